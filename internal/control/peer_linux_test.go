package control

import "testing"

func TestAllowed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		peer, own int
		want      bool
	}{{1000, 1000, true}, {0, 1000, true}, {1001, 1000, false}, {1000, 0, false}, {0, 0, true}} {
		if err := allowed(tt.peer, tt.own); (err == nil) != tt.want {
			t.Errorf("user %d of a server of user %d: %v", tt.peer, tt.own, err)
		}
	}
}
