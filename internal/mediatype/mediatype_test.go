package mediatype_test

import (
	"testing"

	"github.com/actionhero-go/actionhero/internal/mediatype"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.WEBM": "video/webm", "dir.png/a.woff2": "font/woff2", "a.mjs": "text/javascript; charset=utf-8", "a.b.svg": "image/svg+xml",
		"": "application/octet-stream", "png": "application/octet-stream", "a.": "application/octet-stream", "a.no-such-type": "application/octet-stream",
	} {
		if got := mediatype.Of(name); got != want {
			t.Errorf("%q has the type %q, want %q", name, got, want)
		}
	}
}
