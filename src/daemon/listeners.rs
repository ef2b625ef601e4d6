//! The doors: SMTP listeners, the public pages and the operations pages.
