"""Flask extensions, unbound; `create_app` binds them."""

from flask_jwt_extended import JWTManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from app.database import Base, Database

db = Database(metadata=Base.metadata)
migrate = Migrate()
jwt = JWTManager()
csrf = CSRFProtect()
