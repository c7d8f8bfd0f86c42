"""Who is signed in, read together with their teams: nearly every page asks for both."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from services.accounts.models import User, memberships_of


class WithRoles(ModelBackend):
    def get_user(self, user_id: Any) -> User | None:
        held = memberships_of(person=user_id)
        user = held[0].user if held else User.objects.filter(pk=user_id).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        user.roles = {membership.team.slug: membership for membership in held}
        return user
