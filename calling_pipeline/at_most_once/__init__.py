"""Acts that the outside world sees happen at most once: a call, a message, an alert, a report by mail.

The protocol, in every room: an intent is claimed and committed (`pending` → in flight), the act is done, its `Outcome` is
committed at once. A process that ends in between leaves an orphaned claim; whether its owner is gone, `orphans` says. An
orphaned claim becomes `unknown`: shown, alerted, and settled by a person (`settlement`), never repeated by software.

Each room keeps its own engine and rates; what is here are the words and the small parts they share.
"""
