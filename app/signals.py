"""What the application tells whoever runs it (Flask's signals)."""

from blinker import Namespace

#: Sent by a thread that is about to wait, for a hash, a disk or a far database: others could go on meanwhile.
waiting = Namespace().signal("waiting")
