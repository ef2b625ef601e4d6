//! Tags in tables.
//!
//! HTML Standard §13.2.6.4.9 to §13.2.6.4.15. What does not belong into a table is read by the
//! rules of the body; that it is then placed before the table does not change what is open.

use super::stack::{Namespace, Scope};
use super::tags::Tag;
use super::token::{Attributes, TagToken};
use super::tree::{DONE, Edge, Mode, Step, Tree};

const fn is_table_context(tag: Tag) -> bool {
    matches!(tag, Tag::Table | Tag::Html)
}

const fn is_section_context(tag: Tag) -> bool {
    tag.is_table_section() || matches!(tag, Tag::Html)
}

const fn is_row_context(tag: Tag) -> bool {
    matches!(tag, Tag::Tr | Tag::Html)
}

/// End tags that mean nothing in any part of a table.
const fn is_stray_end(tag: Tag) -> bool {
    matches!(tag, Tag::Body | Tag::Caption | Tag::Col | Tag::Colgroup | Tag::Html)
}

impl Tree<'_> {
    pub(super) fn in_table(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, name) if name.is_table_part() => self.table_part(tag),
            (Edge::Start, Tag::Table) => {
                self.close_table();
                Step::Again
            }
            (Edge::End, Tag::Table) => {
                self.close_table();
                DONE
            }
            (Edge::End, name) if is_stray_end(name) || name.is_table_part() => DONE,
            (Edge::Start, Tag::Style | Tag::Script) => self.head_content(tag),
            (Edge::Start, Tag::Input) if self.is_hidden_input(tag) => {
                self.placed += 1;
                DONE
            }
            (Edge::Start, Tag::Form) => {
                if self.form.is_none() {
                    self.form = Some(self.element(tag, Namespace::Html).id);
                }
                DONE
            }
            _ => self.in_body(edge, tag),
        }
    }

    fn table_part(&mut self, tag: &TagToken) -> Step {
        self.stack.close_back_to(is_table_context);
        match tag.tag {
            Tag::Caption => {
                self.formatting.mark();
                self.open_html(tag);
                self.mode = Mode::InCaption;
            }
            Tag::Colgroup => {
                self.open_html(tag);
                self.mode = Mode::InColumnGroup;
            }
            Tag::Col => {
                self.open_unwritten(Tag::Colgroup);
                self.mode = Mode::InColumnGroup;
                return Step::Again;
            }
            name if name.is_table_section() => {
                self.open_html(tag);
                self.mode = Mode::InTableBody;
            }
            _ => {
                self.open_unwritten(Tag::Tbody);
                self.mode = Mode::InTableBody;
                return Step::Again;
            }
        }
        DONE
    }

    fn close_table(&mut self) {
        self.stack.close_through(|tag| tag == Tag::Table);
        self.mode = self.mode_of_stack();
    }

    /// HTML Standard §13.2.4.1, "reset the insertion mode appropriately".
    fn mode_of_stack(&mut self) -> Mode {
        let decides = |tag: Tag| {
            tag.is_cell()
                || tag.is_table_section()
                || matches!(tag, Tag::Tr | Tag::Caption | Tag::Colgroup | Tag::Table | Tag::Body)
        };
        let place = self.stack.rfind(|element| element.is_html(decides));
        match place.map(|place| self.stack.elements()[place].tag) {
            Some(Tag::Td | Tag::Th) => Mode::InCell,
            Some(Tag::Tr) => Mode::InRow,
            Some(Tag::Tbody | Tag::Thead | Tag::Tfoot) => Mode::InTableBody,
            Some(Tag::Caption) => Mode::InCaption,
            Some(Tag::Colgroup) => Mode::InColumnGroup,
            Some(Tag::Table) => Mode::InTable,
            _ => Mode::InBody,
        }
    }

    fn is_hidden_input(&self, tag: &TagToken) -> bool {
        Attributes::of(self.html, tag.attributes)
            .find(|(name, _)| name.eq_ignore_ascii_case(b"type"))
            .is_some_and(|(_, value)| value.eq_ignore_ascii_case(b"hidden"))
    }

    pub(super) fn in_caption(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::End, Tag::Caption | Tag::Table) => {}
            (Edge::Start, name) if name.is_table_part() => {}
            (Edge::End, name) if is_stray_end(name) || name.is_table_part() => return DONE,
            _ => return self.in_body(edge, tag),
        }
        if !self.stack.has_in(Scope::Table, Tag::Caption) {
            return DONE;
        }
        self.stack.close_through(|name| name == Tag::Caption);
        self.formatting.clear_to_marker();
        self.mode = Mode::InTable;
        if edge == Edge::End && tag.tag == Tag::Caption { DONE } else { Step::Again }
    }

    pub(super) fn in_column_group(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, Tag::Html) | (Edge::End, Tag::Col) => DONE,
            (Edge::Start, Tag::Col) => {
                self.placed += 1;
                DONE
            }
            _ if !self.stack.current_is(|name| name == Tag::Colgroup) => DONE,
            _ => {
                self.stack.pop();
                self.mode = Mode::InTable;
                if edge == Edge::End && tag.tag == Tag::Colgroup { DONE } else { Step::Again }
            }
        }
    }

    pub(super) fn in_table_body(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, Tag::Tr) => {
                self.stack.close_back_to(is_section_context);
                self.open_html(tag);
                self.mode = Mode::InRow;
                DONE
            }
            (Edge::Start, Tag::Td | Tag::Th) => {
                self.stack.close_back_to(is_section_context);
                self.open_unwritten(Tag::Tr);
                self.mode = Mode::InRow;
                Step::Again
            }
            (Edge::End, name) if name.is_table_section() => {
                if self.stack.has_in(Scope::Table, name) {
                    self.close_section();
                }
                DONE
            }
            (Edge::End, Tag::Table) => {
                self.close_section();
                Step::Again
            }
            (Edge::Start, name) if name.is_table_part() => {
                self.close_section();
                Step::Again
            }
            (Edge::End, name) if is_stray_end(name) || name.is_table_part() => DONE,
            _ => self.in_table(edge, tag),
        }
    }

    fn close_section(&mut self) {
        self.stack.close_back_to(is_section_context);
        self.stack.pop();
        self.mode = Mode::InTable;
    }

    pub(super) fn in_row(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, Tag::Td | Tag::Th) => {
                self.stack.close_back_to(is_row_context);
                self.open_html(tag);
                self.formatting.mark();
                self.mode = Mode::InCell;
                DONE
            }
            (Edge::End, Tag::Tr) => {
                self.close_row();
                DONE
            }
            (Edge::End, name) if name.is_table_section() => {
                if !self.stack.has_in(Scope::Table, name) {
                    return DONE;
                }
                self.close_row();
                Step::Again
            }
            (Edge::End, Tag::Table) => {
                self.close_row();
                Step::Again
            }
            (Edge::Start, name) if name.is_table_part() => {
                self.close_row();
                Step::Again
            }
            (Edge::End, name) if is_stray_end(name) || name.is_cell() => DONE,
            _ => self.in_table(edge, tag),
        }
    }

    fn close_row(&mut self) {
        self.stack.close_back_to(is_row_context);
        self.stack.pop();
        self.mode = Mode::InTableBody;
    }

    pub(super) fn in_cell(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::End, name) if name.is_cell() => {
                if self.stack.has_in(Scope::Table, name) {
                    self.stack.close_through(|open| open == name);
                    self.formatting.clear_to_marker();
                    self.mode = Mode::InRow;
                }
                DONE
            }
            (Edge::Start, name) if name.is_table_part() => self.close_cell(),
            (Edge::End, name) if is_stray_end(name) => DONE,
            (Edge::End, name)
                if name == Tag::Table || name == Tag::Tr || name.is_table_section() =>
            {
                if self.stack.has_in(Scope::Table, name) { self.close_cell() } else { DONE }
            }
            _ => self.in_body(edge, tag),
        }
    }

    fn close_cell(&mut self) -> Step {
        self.stack.close_through(Tag::is_cell);
        self.formatting.clear_to_marker();
        self.mode = Mode::InRow;
        Step::Again
    }
}
