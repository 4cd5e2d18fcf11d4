"""Prepares Superset's metadata where that has not been done, then becomes its web server.

What was prepared is noted with the version and the password it was done for, so that a second start goes straight to the server
and a start that was killed half-way begins again; every step may be done twice.
"""

import hashlib
import os
import sqlite3
import sys
from importlib.metadata import version

HOME = os.environ["TIDEMARK_SUPERSET_HOME"]
HOST = os.environ.get("TIDEMARK_SUPERSET_HOST", "127.0.0.1")
PORT = os.environ["TIDEMARK_SUPERSET_PORT"]
NOTE = os.path.join(HOME, "prepared")


def read(name):
    try:
        with open(os.path.join(HOME, name), encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def prepare(password):
    # Readers and the one writer do not wait for each other; the database remembers it.
    with sqlite3.connect(os.path.join(HOME, "metadata.db")) as connection:
        connection.execute("pragma journal_mode = wal")
    from superset.app import create_app

    with create_app().app_context():
        import flask_migrate
        import superset

        flask_migrate.upgrade(directory=os.path.join(os.path.dirname(superset.__file__), "migrations"))
    # The first application was made before the tables were.
    with create_app().app_context():
        from superset import appbuilder, security_manager

        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        admin = security_manager.find_user(username="admin")
        if admin is not None:
            security_manager.reset_password(admin.id, password)
        else:
            role = security_manager.find_role("Admin")
            mail = "admin@example.invalid"
            if not security_manager.add_user("admin", "Superset", "Admin", mail, role, password=password):
                raise SystemExit("Error: the administrator could not be made")


def main():
    password = os.environ.get("TIDEMARK_SUPERSET_ADMIN_PASSWORD") or read("admin-password")
    state = hashlib.sha256(f"{version('apache-superset')} {password}".encode()).hexdigest()
    if read("prepared") != state:
        print("preparing the metadata", flush=True)
        prepare(password)
        with open(NOTE + ".new", "w", encoding="utf-8") as file:
            file.write(state)
        os.replace(NOTE + ".new", NOTE)
    print("serving", flush=True)
    # A thread for each chart of the dashboard, for two who look at it.
    options = (
        f"--bind {HOST}:{PORT} --workers 1 --worker-class gthread --threads 16 --timeout 120 --graceful-timeout 3 "
        "--keep-alive 5 --limit-request-line 0 --limit-request-field_size 0"
    )
    # A socket for commands to the server, which newer ones open in a folder of their own.
    if int(version("gunicorn").split(".")[0]) >= 25:
        options += " --no-control-socket"
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *options.split(), "superset.app:create_app()"])


main()
