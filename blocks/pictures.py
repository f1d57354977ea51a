"""Pictures as bytes: whole or refused, measured, and made to fit what a vendor takes."""
