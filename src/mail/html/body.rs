//! Tags in the body.
//!
//! HTML Standard §13.2.6.4.7, rule by rule, as far as the rule changes what is open. A select
//! is taken as a whole, because readers of different age disagree about what it may hold.

use super::Refusal;
use super::head::is_head_content;
use super::raw_text::RawText;
use super::stack::{Element, Namespace, Scope};
use super::tags::Tag;
use super::token::TagToken;
use super::tree::{DONE, DocumentMode, Edge, Mode, Scripting, Step, Tree};

impl Tree<'_> {
    pub(super) fn in_body(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match edge {
            Edge::Start => Step::Done(self.start_in_body(tag)),
            Edge::End => self.end_in_body(tag),
        }
    }

    fn start_in_body(&mut self, tag: &TagToken) -> Option<RawText> {
        match tag.tag {
            Tag::Html | Tag::Body | Tag::Frameset | Tag::Template | Tag::Head | Tag::Frame => {}
            name if is_head_content(name) => {
                if let Step::Done(raw) = self.head_content(tag) {
                    return raw;
                }
            }
            name if name.is_table_part() => {}
            name if name.is_block() || name.is_heading() || name == Tag::P => self.block(tag),
            Tag::Form => self.form(tag),
            Tag::Li | Tag::Dd | Tag::Dt => self.list_item(tag),
            Tag::A => {
                self.close_outer_link();
                self.open_formatting(tag);
            }
            Tag::Nobr => {
                self.reconstruct_formatting();
                if self.stack.has_in(Scope::Default, Tag::Nobr) {
                    self.adopt(tag);
                }
                self.open_formatting(tag);
            }
            name if name.is_formatting() => self.open_formatting(tag),
            Tag::Table => self.table(tag),
            Tag::Svg => self.enter_foreign(tag, Namespace::Svg),
            Tag::Math => self.enter_foreign(tag, Namespace::MathMl),
            Tag::Select => {
                self.ordinary(tag);
                self.mode_before_select = self.mode;
                self.mode = Mode::InSelect;
            }
            _ => return self.start_of_text_or_inline(tag),
        }
        None
    }

    fn start_of_text_or_inline(&mut self, tag: &TagToken) -> Option<RawText> {
        use Tag::{Area, Br, Embed, Hr, Image, Img, Input, Keygen, Param, Source, Track, Wbr};
        match tag.tag {
            Area | Br | Embed | Image | Img | Input | Keygen | Wbr => {
                self.reconstruct_formatting();
                self.placed += 1;
            }
            Param | Source | Track => self.placed += 1,
            Hr => {
                self.stack.close_paragraph();
                self.placed += 1;
            }
            Tag::Textarea | Tag::Iframe | Tag::Noembed | Tag::Xmp | Tag::Plaintext => {
                return Some(self.raw_text_in_body(tag.tag));
            }
            Tag::Noscript => {
                self.readers_differ = true;
                if self.reader.scripting == Scripting::Enabled {
                    self.placed += 1;
                    return Some(RawText::Text);
                }
                self.ordinary(tag);
            }
            Tag::Button => {
                if self.stack.has_in(Scope::Default, Tag::Button) {
                    self.stack.close_through(|tag| tag == Tag::Button);
                }
                self.ordinary(tag);
            }
            Tag::Applet | Tag::Marquee | Tag::Object => {
                self.ordinary(tag);
                self.formatting.mark();
            }
            Tag::Option | Tag::Optgroup => {
                if self.stack.current_is(|tag| tag == Tag::Option) {
                    self.stack.pop();
                }
                self.ordinary(tag);
            }
            Tag::Rb | Tag::Rtc | Tag::Rp | Tag::Rt => self.ruby_text(tag),
            _ => self.ordinary(tag),
        }
        None
    }

    fn raw_text_in_body(&mut self, tag: Tag) -> RawText {
        if matches!(tag, Tag::Xmp | Tag::Plaintext) {
            self.stack.close_paragraph();
        }
        if tag == Tag::Xmp {
            self.reconstruct_formatting();
        }
        self.placed += 1;
        if tag == Tag::Plaintext { RawText::PlainText } else { RawText::Text }
    }

    fn ordinary(&mut self, tag: &TagToken) {
        self.reconstruct_formatting();
        self.open_html(tag);
    }

    fn block(&mut self, tag: &TagToken) {
        self.stack.close_paragraph();
        if tag.tag.is_heading() && self.stack.current_is(Tag::is_heading) {
            self.stack.pop();
        }
        self.open_html(tag);
    }

    fn form(&mut self, tag: &TagToken) {
        if self.form.is_none() {
            self.stack.close_paragraph();
            self.form = Some(self.open_html(tag).id);
        }
    }

    fn list_item(&mut self, tag: &TagToken) {
        let closes = |name: Tag| match tag.tag {
            Tag::Li => name == Tag::Li,
            _ => matches!(name, Tag::Dd | Tag::Dt),
        };
        let blocks = |e: &Element| {
            e.is_special() && !e.is_html(|name| matches!(name, Tag::Address | Tag::Div | Tag::P))
        };
        let place = self.stack.rfind(|e| e.is_html(closes) || blocks(e));
        if let Some(place) = place.filter(|&place| self.stack.elements()[place].is_html(closes)) {
            self.stack.truncate(place);
        }
        self.stack.close_paragraph();
        self.open_html(tag);
    }

    fn table(&mut self, tag: &TagToken) {
        if self.stack.find_in(Scope::Button, |e| e.is(Tag::P)).is_some() {
            self.readers_differ = true;
            if self.reader.mode == DocumentMode::NoQuirks {
                self.stack.close_paragraph();
            }
        }
        self.open_html(tag);
        self.mode = Mode::InTable;
    }

    fn ruby_text(&mut self, tag: &TagToken) {
        if self.stack.has_in(Scope::Default, Tag::Ruby) {
            let except = matches!(tag.tag, Tag::Rp | Tag::Rt).then_some(Tag::Rtc);
            self.stack.close_implied(except);
        }
        self.open_html(tag);
    }

    fn enter_foreign(&mut self, tag: &TagToken, namespace: Namespace) {
        self.reconstruct_formatting();
        if tag.is_self_closing {
            self.placed += 1;
        } else {
            self.open(tag, namespace);
        }
    }

    fn end_in_body(&mut self, tag: &TagToken) -> Step {
        match tag.tag {
            Tag::Body | Tag::Html => return self.end_of_body(tag.tag),
            name if name.is_block() || name == Tag::Button => self.end_of_block(name),
            Tag::Form => self.end_of_form(),
            Tag::P => {
                // An end tag without a paragraph makes an empty one.
                if !self.stack.has_in(Scope::Button, Tag::P) {
                    self.open_unwritten(Tag::P);
                }
                self.stack.close_paragraph();
            }
            Tag::Li if !self.stack.has_in(Scope::ListItem, Tag::Li) => {}
            Tag::Li | Tag::Dd | Tag::Dt => self.end_of_block(tag.tag),
            name if name.is_heading() => {
                if self.stack.find_in(Scope::Default, |e| e.is_html(Tag::is_heading)).is_some() {
                    self.stack.close_through(Tag::is_heading);
                }
            }
            name if name.is_formatting() => self.adopt(tag),
            Tag::Applet | Tag::Marquee | Tag::Object => {
                if self.stack.has_in(Scope::Default, tag.tag) {
                    self.stack.close_through(|name| name == tag.tag);
                    self.formatting.clear_to_marker();
                }
            }
            Tag::Br => {
                self.reconstruct_formatting();
                self.placed += 1;
            }
            Tag::Template => {}
            _ => self.any_other_end_tag(tag),
        }
        DONE
    }

    fn end_of_body(&mut self, tag: Tag) -> Step {
        if !self.stack.has_in(Scope::Default, Tag::Body) {
            return DONE;
        }
        self.mode = Mode::AfterBody;
        if tag == Tag::Html { Step::Again } else { DONE }
    }

    fn end_of_block(&mut self, tag: Tag) {
        if self.stack.has_in(Scope::Default, tag) {
            self.stack.close_through(|name| name == tag);
        }
    }

    fn end_of_form(&mut self) {
        let Some(form) = self.form.take() else { return };
        if self.stack.find_in(Scope::Default, |e| e.id == form).is_none() {
            return;
        }
        self.stack.close_implied(None);
        if let Some(place) = self.stack.place_of(form) {
            self.stack.unlist(place);
        }
    }

    pub(super) fn in_select(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, Tag::Option | Tag::Optgroup | Tag::Hr) => self.placed += 1,
            (Edge::End, Tag::Option | Tag::Optgroup | Tag::Body | Tag::Html) => {}
            (Edge::End, Tag::Select) => {
                self.stack.close_through(|name| name == Tag::Select);
                self.mode = self.mode_before_select;
            }
            _ => self.refuse(Refusal::SelectContent),
        }
        DONE
    }
}
