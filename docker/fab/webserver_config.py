"""Settings of Airflow's FAB auth manager (`[fab] config_file`). Passwords in Airflow's database, or OAuth."""

from flask_appbuilder.const import AUTH_DB

AUTH_TYPE = AUTH_DB
AUTH_USER_REGISTRATION = False  # an admin makes each user, or with OAuth: AUTH_ROLES_MAPPING below
FAB_PASSWORD_COMPLEXITY_ENABLED = True  # for passwords set in the UI
WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# SESSION_COOKIE_SECURE = True  # as soon as Airflow is behind HTTPS

# A company's login instead (FAB: "Authentication: OAuth"); groups become roles at every login, and whoever is
# in none of them has none:
#
# from flask_appbuilder.const import AUTH_OAUTH
# AUTH_TYPE = AUTH_OAUTH
# AUTH_USER_REGISTRATION = True
# AUTH_USER_REGISTRATION_ROLE = "Public"
# AUTH_ROLES_SYNC_AT_LOGIN = True
# AUTH_ROLES_MAPPING = {
#     "vitrine-viewers": ["Viewer"],
#     "vitrine-analysts": ["User"],
#     "vitrine-ops": ["Op"],
#     "vitrine-admins": ["Admin"],
# }
# OAUTH_PROVIDERS = [...]
