//! The one door a marketing copy leaves by: it wants the permit.

use super::prepared::{Prepared, Slots, SlotsError};
use crate::eligibility::Permit;
use crate::mail::MailData;

/// The copy for the recipient `permit` was made out for.
///
/// # Errors
/// [`SlotsError`] if a value does not have the length the message was prepared for.
pub fn render(
    prepared: &Prepared,
    _permit: &Permit,
    slots: &Slots,
) -> Result<MailData, SlotsError> {
    prepared.render_copy(slots)
}
