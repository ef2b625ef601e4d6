//! Tag names and the sets the HTML Standard sorts them into, as one table.
//!
//! Names the tree rules never mention are [`Tag::Other`]; their text stays in the document.
//! The sets are those of the HTML Standard §13.2.4.2 (the stack of open elements) and §13.2.6
//! (tree construction).

/// HTML Standard §13.2.4.2, category "special".
const SPECIAL: u8 = 1;
/// HTML Standard §13.2.4.2, category "formatting".
const FORMATTING: u8 = 2;
/// Elements whose end tag is generated when something around them ends (§13.2.6.3).
const IMPLIED_END: u8 = 4;
/// Blocks that end an open paragraph and are closed by their own end tag (§13.2.6.4.7).
const BLOCK: u8 = 8;
/// Start tags that end foreign content (§13.2.6.5); `font` does so with some attributes.
const BREAKOUT: u8 = 16;
/// Containers that by themselves neither hide nor restyle what stands in them. `p` is not one:
/// the footer's block would end it.
const PLAIN: u8 = 32;

macro_rules! tags {
    ($($tag:ident = $name:literal: [$($set:ident),*];)*) => {
        /// A tag name the tree rules know.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Tag {
            $(#[doc = $name] $tag,)*
            /// Any other name.
            Other,
        }

        impl Tag {
            fn of_lower_case(name: &str) -> Self {
                match name {
                    $($name => Self::$tag,)*
                    _ => Self::Other,
                }
            }

            /// The name in lower case; `None` for [`Tag::Other`].
            pub(super) const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$tag => Some($name),)*
                    Self::Other => None,
                }
            }

            const fn sets(self) -> u8 {
                match self {
                    $(Self::$tag => 0 $(| $set)*,)*
                    Self::Other => 0,
                }
            }
        }
    };
}

tags! {
    A = "a": [FORMATTING];
    Address = "address": [SPECIAL, BLOCK];
    AnnotationXml = "annotation-xml": [];
    Applet = "applet": [SPECIAL];
    Area = "area": [SPECIAL];
    Article = "article": [SPECIAL, BLOCK, PLAIN];
    Aside = "aside": [SPECIAL, BLOCK];
    B = "b": [FORMATTING, BREAKOUT];
    Base = "base": [SPECIAL];
    Basefont = "basefont": [SPECIAL];
    Bgsound = "bgsound": [SPECIAL];
    Big = "big": [FORMATTING, BREAKOUT];
    Blockquote = "blockquote": [SPECIAL, BLOCK, BREAKOUT];
    Body = "body": [SPECIAL, BREAKOUT];
    Br = "br": [SPECIAL, BREAKOUT];
    Button = "button": [SPECIAL];
    Caption = "caption": [SPECIAL];
    Center = "center": [SPECIAL, BLOCK, BREAKOUT, PLAIN];
    Code = "code": [FORMATTING, BREAKOUT];
    Col = "col": [SPECIAL];
    Colgroup = "colgroup": [SPECIAL];
    Dd = "dd": [SPECIAL, IMPLIED_END, BREAKOUT];
    Desc = "desc": [];
    Details = "details": [SPECIAL, BLOCK];
    Dialog = "dialog": [BLOCK];
    Dir = "dir": [SPECIAL, BLOCK];
    Div = "div": [SPECIAL, BLOCK, BREAKOUT, PLAIN];
    Dl = "dl": [SPECIAL, BLOCK, BREAKOUT];
    Dt = "dt": [SPECIAL, IMPLIED_END, BREAKOUT];
    Em = "em": [FORMATTING, BREAKOUT];
    Embed = "embed": [SPECIAL, BREAKOUT];
    Fieldset = "fieldset": [SPECIAL, BLOCK];
    Figcaption = "figcaption": [SPECIAL, BLOCK];
    Figure = "figure": [SPECIAL, BLOCK];
    Font = "font": [FORMATTING];
    Footer = "footer": [SPECIAL, BLOCK, PLAIN];
    ForeignObject = "foreignobject": [];
    Form = "form": [SPECIAL];
    Frame = "frame": [SPECIAL];
    Frameset = "frameset": [SPECIAL];
    H1 = "h1": [SPECIAL, BREAKOUT];
    H2 = "h2": [SPECIAL, BREAKOUT];
    H3 = "h3": [SPECIAL, BREAKOUT];
    H4 = "h4": [SPECIAL, BREAKOUT];
    H5 = "h5": [SPECIAL, BREAKOUT];
    H6 = "h6": [SPECIAL, BREAKOUT];
    Head = "head": [SPECIAL, BREAKOUT];
    Header = "header": [SPECIAL, BLOCK, PLAIN];
    Hgroup = "hgroup": [SPECIAL, BLOCK];
    Hr = "hr": [SPECIAL, BREAKOUT];
    Html = "html": [SPECIAL];
    I = "i": [FORMATTING, BREAKOUT];
    Iframe = "iframe": [SPECIAL];
    Image = "image": [];
    Img = "img": [SPECIAL, BREAKOUT];
    Input = "input": [SPECIAL];
    Keygen = "keygen": [SPECIAL];
    Li = "li": [SPECIAL, IMPLIED_END, BREAKOUT];
    Link = "link": [SPECIAL];
    Listing = "listing": [SPECIAL, BLOCK, BREAKOUT];
    Main = "main": [SPECIAL, BLOCK, PLAIN];
    Malignmark = "malignmark": [];
    Marquee = "marquee": [SPECIAL];
    Math = "math": [];
    Menu = "menu": [SPECIAL, BLOCK, BREAKOUT];
    Meta = "meta": [SPECIAL, BREAKOUT];
    Mglyph = "mglyph": [];
    Mi = "mi": [];
    Mn = "mn": [];
    Mo = "mo": [];
    Ms = "ms": [];
    Mtext = "mtext": [];
    Nav = "nav": [SPECIAL, BLOCK];
    Nobr = "nobr": [FORMATTING, BREAKOUT];
    Noembed = "noembed": [SPECIAL];
    Noframes = "noframes": [SPECIAL];
    Noscript = "noscript": [SPECIAL];
    Object = "object": [SPECIAL];
    Ol = "ol": [SPECIAL, BLOCK, BREAKOUT];
    Optgroup = "optgroup": [IMPLIED_END];
    Option = "option": [IMPLIED_END];
    P = "p": [SPECIAL, IMPLIED_END, BREAKOUT];
    Param = "param": [SPECIAL];
    Plaintext = "plaintext": [SPECIAL];
    Pre = "pre": [SPECIAL, BLOCK, BREAKOUT];
    Rb = "rb": [IMPLIED_END];
    Rp = "rp": [IMPLIED_END];
    Rt = "rt": [IMPLIED_END];
    Rtc = "rtc": [IMPLIED_END];
    Ruby = "ruby": [BREAKOUT];
    S = "s": [FORMATTING, BREAKOUT];
    Script = "script": [SPECIAL];
    Search = "search": [SPECIAL, BLOCK];
    Section = "section": [SPECIAL, BLOCK, PLAIN];
    Select = "select": [SPECIAL];
    Small = "small": [FORMATTING, BREAKOUT];
    Source = "source": [SPECIAL];
    Span = "span": [BREAKOUT, PLAIN];
    Strike = "strike": [FORMATTING, BREAKOUT];
    Strong = "strong": [FORMATTING, BREAKOUT];
    Style = "style": [SPECIAL];
    Sub = "sub": [BREAKOUT];
    Summary = "summary": [SPECIAL, BLOCK];
    Sup = "sup": [BREAKOUT];
    Svg = "svg": [];
    Table = "table": [SPECIAL, BREAKOUT];
    Tbody = "tbody": [SPECIAL];
    Td = "td": [SPECIAL];
    Template = "template": [SPECIAL];
    Textarea = "textarea": [SPECIAL];
    Tfoot = "tfoot": [SPECIAL];
    Th = "th": [SPECIAL];
    Thead = "thead": [SPECIAL];
    Title = "title": [SPECIAL];
    Tr = "tr": [SPECIAL];
    Track = "track": [SPECIAL];
    Tt = "tt": [FORMATTING, BREAKOUT];
    U = "u": [FORMATTING, BREAKOUT];
    Ul = "ul": [SPECIAL, BLOCK, BREAKOUT];
    Var = "var": [BREAKOUT];
    Wbr = "wbr": [SPECIAL];
    Xmp = "xmp": [SPECIAL];
}

/// Longer names are nobody's.
const NAME_BYTES_MAX: usize = 16;

impl Tag {
    /// The tag a written name means, in any letter case.
    pub(super) fn of(name: &[u8]) -> Self {
        let mut lower = [0_u8; NAME_BYTES_MAX];
        let Some(lower) = lower.get_mut(..name.len()) else { return Self::Other };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        std::str::from_utf8(lower).map_or(Self::Other, Self::of_lower_case)
    }

    /// Whether it is in the category "special".
    pub(super) const fn is_special(self) -> bool {
        self.sets() & SPECIAL != 0
    }

    /// Whether it is in the category "formatting".
    pub(super) const fn is_formatting(self) -> bool {
        self.sets() & FORMATTING != 0
    }

    /// Whether its end tag is generated when something around it ends.
    pub(super) const fn is_implied_end(self) -> bool {
        self.sets() & IMPLIED_END != 0
    }

    /// Whether it is a block with an end tag of its own.
    pub(super) const fn is_block(self) -> bool {
        self.sets() & BLOCK != 0
    }

    /// Whether its start tag ends foreign content.
    pub(super) const fn is_breakout(self) -> bool {
        self.sets() & BREAKOUT != 0
    }

    /// Whether it neither hides nor restyles, as long as no attribute of it does.
    pub(super) const fn is_plain(self) -> bool {
        self.sets() & PLAIN != 0
    }

    /// `h1` to `h6`.
    pub(super) const fn is_heading(self) -> bool {
        matches!(self, Self::H1 | Self::H2 | Self::H3 | Self::H4 | Self::H5 | Self::H6)
    }

    /// `tbody`, `thead`, `tfoot`.
    pub(super) const fn is_table_section(self) -> bool {
        matches!(self, Self::Tbody | Self::Thead | Self::Tfoot)
    }

    /// `td`, `th`.
    pub(super) const fn is_cell(self) -> bool {
        matches!(self, Self::Td | Self::Th)
    }

    /// Tags that only ever build the frame of a table.
    pub(super) const fn is_table_part(self) -> bool {
        self.is_cell()
            || self.is_table_section()
            || matches!(self, Self::Caption | Self::Col | Self::Colgroup | Self::Tr)
    }

    /// Void elements of the head (§13.2.6.4.4).
    pub(super) const fn is_head_void(self) -> bool {
        matches!(self, Self::Base | Self::Basefont | Self::Bgsound | Self::Link | Self::Meta)
    }
}
