package generate

import (
	"strings"
	"testing"
)

func TestANameHasOneMapping(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ wire, ident, file string }{
		"hello":              {"hello", "Hello", "hello"},
		"users:create":       {"users:create", "UsersCreate", "users_create"},
		"UsersCreate":        {"usersCreate", "UsersCreate", "users_create"},
		"usersCreate":        {"usersCreate", "UsersCreate", "users_create"},
		"users-create":       {"users-create", "UsersCreate", "users_create"},
		"users_create":       {"users_create", "UsersCreate", "users_create"},
		"v1.users.create":    {"v1.users.create", "V1UsersCreate", "v1_users_create"},
		"HTTPStatus":         {"httpStatus", "HTTPStatus", "http_status"},
		"userId":             {"userId", "UserID", "user_id"},
		"ID":                 {"id", "ID", "id"},
		"sha256Sum":          {"sha256Sum", "Sha256Sum", "sha256_sum"},
		"type":               {"type", "Type", "type"},
		"x":                  {"x", "X", "x"},
		"admin/users:create": {"users:create", "UsersCreate", "users_create"},
	} {
		got, err := ParseName(text)
		if err != nil || got.Wire != want.wire || got.Ident != want.ident || got.File != want.file {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestAFileOfAPartIsNoTestAndForEachSystem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"users:test": "users_test_action", "start:linux": "start_linux_action", "a-b-arm64": "a_b_arm64_action",
		"linux": "linux", "test": "test", "linux:start": "linux_start",
	} {
		n, err := ParseName(text)
		if got := n.fileName("action"); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}

func TestOddNamesAreRefusedWithARemedy(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "1st", "a b", "a\nb", "a\x00b", "é", "-a", "a-", "a--b", "a/", "/a", "../a", "a/../b", "a\\b", "Admin/x", "func/x", "testdata/x",
		"vendor/x", "any/x", "string/x", "nil/x", "all", "All", "a;b", "a\x1b[31m", strings.Repeat("a", 65),
	} {
		if n, err := ParseName(text); err == nil || !strings.Contains(err.Error(), "use") || strings.ContainsAny(err.Error(), "\n\x00\x1b") {
			t.Errorf("%q: %+v, %v", text, n, err)
		}
	}
}
