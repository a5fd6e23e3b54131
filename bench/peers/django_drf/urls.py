from api import views
from django.urls import path

urlpatterns = [
    path("api/auth/login", views.Login.as_view()),
    path("api/auth/refresh", views.Refresh.as_view()),
    path("api/me", views.Me.as_view()),
    path("api/users/<uuid:user_id>/tasks", views.Tasks.as_view()),
    path("api/users/<uuid:user_id>/tasks/<uuid:task_id>", views.OneTask.as_view()),
]
