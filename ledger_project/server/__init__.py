"""
The server: ``python -m ledger_project.server`` puts Django on the network.

gunicorn supervises (``supervisor.py``): it loads the application once, opens the port and forks
the workers. A worker that dies is forked again, however often, within milliseconds.

In each worker uvicorn speaks HTTP in one event loop, and Django runs in a few threads. A thread
costs a database connection, so no client may hold one by being slow. ``front.py`` stands between
the two:

1. It reads a request whole, with a deadline and a bound on its size (``protocol.py`` has the
   deadline of the head).
2. ``head.py`` decides by the head alone what is refused, and what Django gets to see of it.
3. The request waits for a thread (``threads.py``). Too many of them, or one that waits for too
   long: 503. Exports have threads of their own. What is refused, and ``/healthz``, have a thread
   each, which need no database.
4. The thread runs Django, hands the answer to the event loop and is free again. The loop writes the
   answer as fast as the client reads it, and gives up on a client that doesn't.
"""
