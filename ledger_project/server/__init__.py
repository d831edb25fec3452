"""
The HTTP server, which ``python -m ledger_project`` starts.

gunicorn supervises the workers (``supervisor.py``). It loads the application once, opens the port
and forks the workers. A worker that dies is replaced within milliseconds.

In each worker, uvicorn handles HTTP in one event loop and Django runs in a few threads. Each thread
holds a database connection, so a slow client must never occupy one. ``front.py`` sits between
uvicorn and Django and handles each request in four steps:

1. ``head.py`` checks the head of the request. It refuses the request, or builds the WSGI
   environment from it. (``protocol.py`` enforces the deadline for the head.)
2. ``front.py`` reads the whole body, with a deadline and a size limit.
3. The request waits for a thread (``threads.py``). It gets a 503 if too many requests are waiting,
   or if it has waited too long. Exports have threads of their own. Refused requests and
   ``/healthz`` have one thread each, which need no database connection.
4. The thread runs Django, hands the response to the event loop and is free again. The event loop
   sends the response as fast as the client reads it, and closes the connection if the client
   doesn't.
"""
