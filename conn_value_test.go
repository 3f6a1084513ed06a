package actionhero_test

import (
	"testing"

	"github.com/actionhero-go/actionhero"
)

var failureOf actionhero.ConnValue[error]

// A nil of an interface is a value: it was set.
func TestConnValueKeepsANil(t *testing.T) {
	t.Parallel()
	c := new(actionhero.Conn)
	if value, ok := failureOf.Get(c); ok || value != nil {
		t.Errorf("before Set: %v, %v", value, ok)
	}
	failureOf.Set(c, nil)
	if value, ok := failureOf.Get(c); !ok || value != nil {
		t.Errorf("after Set(nil): %v, %v", value, ok)
	}
	failureOf.Delete(c)
	if _, ok := failureOf.Get(c); ok {
		t.Error("after Delete, there is a value")
	}
}
