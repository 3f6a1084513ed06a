package poison_test

import (
	"bytes"
	"testing"

	"github.com/actionhero-go/actionhero/internal/poison"
)

// A build with the tag overwrites the whole capacity of a released buffer; other builds leave the buffer alone.
func TestBytes(t *testing.T) {
	t.Parallel()
	secret := []byte("secret and more")
	want := bytes.Clone(secret)
	if poison.On {
		want = bytes.Repeat([]byte{poison.Fill}, len(secret))
	}
	if poison.Bytes(secret[:6]); !bytes.Equal(secret, want) {
		t.Errorf("the released buffer holds %q, want %q", secret, want)
	}
}
