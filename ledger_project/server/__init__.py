"""
The server: ``python -m ledger_project.server`` puts Django on the network.

One process supervises (``supervisor.py``). It loads the application once, opens the port and forks
the workers; one that dies is forked again, however often, and is ready within milliseconds.

Each worker has one event loop for its connections and a few threads for Django (``worker.py``).
A thread costs a database connection, so no client may hold one by being slow:

1. The loop reads a request whole (``connection.py``), with a deadline and a bound on its size.
   llhttp, the parser of Node.js, decides what is HTTP and where a message ends.
2. ``head.py`` decides by the head alone what is refused, and what Django gets to see of it.
3. The request waits for a thread. Too many of them, or one that waits for too long: 503. What is
   refused, and ``/healthz``, have a thread of their own that needs no database (``refusals.py``).
4. The thread runs Django, hands the answer to the loop and is free again. The loop writes the
   answer as fast as the client reads it, and gives up on a client that doesn't.

A connection that waits for its next request costs no thread, only a little memory. If there are
too many connections, the one that has waited longest is closed for a newcomer.
"""
