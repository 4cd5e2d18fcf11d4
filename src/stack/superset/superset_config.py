"""Settings of Apache Superset as the stack runs it: for one machine, on the loopback interface, with nothing left at a default
that is the same everywhere. Secrets come from files that only their owner may read."""

import os

from superset.utils.log import AbstractEventLogger

HOME = os.environ["TIDEMARK_SUPERSET_HOME"]


def _secret(name):
    # Containers are given their secrets by name.
    given = os.environ.get("TIDEMARK_SUPERSET_" + name.replace("-", "_").upper())
    if given:
        return given
    with open(os.path.join(HOME, name), encoding="utf-8") as file:
        return file.read().strip()


class NoEventLog(AbstractEventLogger):
    """Superset notes every chart that is drawn: a row for each refresh of each chart, for ever."""

    def log(self, *args, **kwargs):
        pass


SECRET_KEY = _secret("secret-key")
# Both default to texts that anyone can look up.
GUEST_TOKEN_JWT_SECRET = GLOBAL_ASYNC_QUERIES_JWT_SECRET = SECRET_KEY

SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.path.join(HOME, "metadata.db") + "?timeout=30"
EVENT_LOGGER = NoEventLog()

# A refresh is to show what is in the tables now.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
RATELIMIT_STORAGE_URI = "memory://"

# Without it the end of "Last 30 minutes" is the beginning of today.
DEFAULT_RELATIVE_END_TIME = "now"
FEATURE_FLAGS = {
    # Charts below the fold are drawn and refreshed too.
    "DASHBOARD_VIRTUALIZATION": False,
    "ALERT_REPORTS": False,
}

SUPERSET_WEBSERVER_TIMEOUT = 60
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
PUBLIC_ROLE_LIKE = None
AUTH_USER_REGISTRATION = False

# The policy that comes with Superset lets pages fetch a telemetry pixel, maps and fonts from elsewhere.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
