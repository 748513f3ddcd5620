"""`/api/users`: one's own profile, the directory with its search, and profiles of others."""

from __future__ import annotations

import pytest
from flask import Flask

from backend.models import Role, User, UserRole
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries

PUBLIC = {
    "id",
    "username",
    "full_name",
    "first_name",
    "last_name",
    "bio",
    "avatar_url",
    "is_active",
    "roles",
    "created_at",
    "last_seen_at",
}
PRIVATE = {"email", "mobile", "is_superuser", "email_verified", "mobile_verified"}


def names(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/api/users{query}")
    assert response.status_code == 200, response.get_data()
    return [user["username"] for user in response.get_json()]


def search(client: Client, q: str) -> list[str]:
    response = client.get("/api/users", query_string={"q": q})
    assert response.status_code == 200, response.get_data()
    return [user["username"] for user in response.get_json()]


def test_a_token_is_required(client: Client) -> None:
    for path in ("/api/users/me", "/api/users", "/api/users/1", "/api/users/?limit=0"):
        response = client.get(path)
        assert response.status_code == 401
        assert response.get_json()["code"] == "unauthorized"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_me_has_all_fields_of_the_own_profile(make: Factory) -> None:
    client = make.client(make.user("ada", first_name="Ada", last_name="Lovelace", email="ada@example.com"))
    me = client.get("/api/users/me").get_json()
    assert set(me) == PUBLIC | PRIVATE
    assert (me["username"], me["email"], me["full_name"]) == ("ada", "ada@example.com", "Ada Lovelace")
    assert me["is_superuser"] is False
    assert me["email_verified"] is False
    assert me["created_at"].endswith("Z")
    assert client.get("/api/users/me/").get_json()["id"] == me["id"]


def test_me_lists_roles_in_order_and_takes_one_query(app: Flask, make: Factory) -> None:
    client = make.client()
    with app.app_context():
        roles = [Role(name="support"), Role(name="audit")]
        db.session.add_all(roles)
        db.session.flush()
        db.session.add_all(UserRole(user_id=client.user.id, role_id=role.id) for role in roles)
        db.session.commit()
    assert client.get("/api/users/me").get_json()["roles"] == ["audit", "support"]
    with count_queries(app) as queries:
        client.get("/api/users/me")
    assert len(queries) == 1, queries


def test_a_profile_shows_strangers_no_private_field(make: Factory) -> None:
    bob = make.user("bob", bio="I fish.")
    viewer = make.client()
    response = viewer.get(f"/api/users/{bob.id}")
    assert response.status_code == 200
    assert set(response.get_json()) == PUBLIC
    assert response.get_json()["bio"] == "I fish."


def test_the_user_and_superusers_see_all_fields(make: Factory) -> None:
    bob = make.client(make.user("bob"))
    root = make.client(make.user("root", is_superuser=True))
    for viewer in (bob, root):
        assert set(viewer.get(f"/api/users/{bob.user.id}").get_json()) == PUBLIC | PRIVATE
        listed = {user["username"]: set(user) for user in viewer.get("/api/users").get_json()}
        assert listed["bob"] == PUBLIC | PRIVATE
    assert {user["username"]: set(user) for user in bob.get("/api/users").get_json()}["root"] == PUBLIC


@pytest.mark.parametrize("user_id", ["0", str(2**63 - 1), str(2**63), "9" * 4000, "-1", "x", "1.0", "１"])
def test_an_unknown_id_is_404(make: Factory, user_id: str) -> None:
    response = make.client().get(f"/api/users/{user_id}")
    assert response.status_code == 404
    assert response.get_json()["code"] == "not_found"


def test_erased_users_are_not_found(make: Factory) -> None:
    erased = make.user("erased", deleted_at=utcnow(), is_active=False)
    for viewer in (make.client(make.user("ann")), make.client(make.user("root", is_superuser=True))):
        assert viewer.get(f"/api/users/{erased.id}").status_code == 404
        assert "erased" not in names(viewer)
        assert search(viewer, "erased") == []


def test_deactivated_users_keep_their_profile_and_only_superusers_see_them_listed(make: Factory) -> None:
    asleep = make.user("asleep", is_active=False)
    ann, root = make.client(make.user("ann")), make.client(make.user("root", is_superuser=True))
    assert ann.get(f"/api/users/{asleep.id}").get_json()["is_active"] is False
    assert names(ann) == ["ann", "root"]
    assert names(root) == ["ann", "asleep", "root"]


def test_search_finds_usernames_and_names_in_any_case(make: Factory) -> None:
    make.user("fisher", first_name="Åsa", last_name="Öberg")
    make.user("legacy", full_name="Grace Hopper")
    viewer = make.client(make.user("viewer"))
    assert search(viewer, "FISH") == ["fisher"]
    assert search(viewer, "åsa") == ["fisher"]
    assert search(viewer, "ÖBERG") == ["fisher"]
    assert search(viewer, "Åsa Öb") == ["fisher"]
    assert search(viewer, "grace h") == ["legacy"]
    assert search(viewer, "example.com") == []
    assert search(viewer, "") == ["fisher", "legacy", "viewer"]


@pytest.mark.parametrize("sign", ["%", "_", "\\", "/", "'", '"', "*", "?", "["])
def test_search_is_literal(make: Factory, sign: str) -> None:
    make.user("plain", full_name="Plain Person")
    make.user("odd", full_name=f"a{sign}b")
    viewer = make.client(make.user("viewer"))
    assert search(viewer, sign) == ["odd"]
    assert search(viewer, f"a{sign}B") == ["odd"]
    assert search(viewer, f"{sign}a") == []


def test_users_are_found_by_their_ids(make: Factory) -> None:
    """Whoever has a profile is found, in the order of usernames; the names of a page of messages take one call."""
    ann, ben, gone, erased = (make.user(name) for name in ("ann", "ben", "carl", "dora"))
    ann_client = make.client(ann)
    with make.app.app_context():
        db.session.get_one(User, gone.id).is_active = False
        db.session.get_one(User, erased.id).deleted_at = utcnow()
        db.session.commit()
    wanted = ",".join(map(str, (erased.id, gone.id, ben.id, ben.id, 10**15)))
    found = ann_client.get(f"/api/users?ids={wanted}").get_json()
    assert [(user["username"], user["is_active"]) for user in found] == [("ben", True), ("carl", False)]
    assert "email" not in found[0]
    assert [user["id"] for user in ann_client.get(f"/api/users?ids={ann.id},{ben.id}&q=ANN").get_json()] == [ann.id]


def test_a_hundred_ids_make_one_page(make: Factory) -> None:
    client = make.client()
    ids = [make.user().id for _ in range(60)]
    wanted = ",".join(map(str, [*ids, *range(10**12, 10**12 + 40)]))
    assert {user["id"] for user in client.get(f"/api/users?ids={wanted}").get_json()} == set(ids)
    page = client.get(f"/api/users?ids={wanted}&limit=10")
    assert len(page.get_json()) == 10
    following = page.headers["Link"].partition("<")[2].partition(">")[0]
    assert len(client.get(following).get_json()) == 10
    for bad in ("", ",", "1,", "1,x", "-1", "1;2", "1.5", str(2**63), f"{wanted},1"):
        response = client.get(f"/api/users?ids={bad}")
        assert (response.status_code, "ids" in response.get_json()["errors"]) == (422, True), bad


def test_an_invalid_query_is_422(make: Factory) -> None:
    viewer = make.client()
    for query in ("?q=%00", "?q=" + "x" * 256, "?limit=0", "?limit=101", "?skip=-1", "?skip=10001", "?limit=x"):
        response = viewer.get(f"/api/users{query}")
        assert response.status_code == 422, query
        assert response.get_json()["code"] == "validation_failed"
    assert search(viewer, "%" * 255) == []


def test_pages_of_the_list_are_linked(make: Factory) -> None:
    viewer = make.client(make.user("u0"))
    for n in range(1, 5):
        make.user(f"u{n}")
    path, seen = "/api/users?limit=2&q=u", []
    while path:
        response = viewer.get(path)
        seen += [user["username"] for user in response.get_json()]
        link = response.headers.get("Link")
        assert link is None or link.endswith('>; rel="next"')
        path = link[1 : link.index(">")] if link else ""
    assert seen == ["u0", "u1", "u2", "u3", "u4"]


def test_the_list_takes_a_constant_number_of_queries(app: Flask, make: Factory) -> None:
    viewer = make.client()
    make.user()
    viewer.get("/api/users/me")  # the first request of a minute also records that the session was seen
    counts = []
    for _ in range(2):
        with count_queries(app) as queries:
            viewer.get("/api/users")
        counts.append(len(queries))
        for _ in range(10):
            make.user()
    assert counts == [3, 3]  # the caller, the users, and which of them block the caller
