"""Releases of the application: what each can read and keeps, how one takes another's place, and the way back."""
