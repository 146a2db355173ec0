"""Whether anything may go out at all: calls, messages and mails are withheld while a hold stands."""
