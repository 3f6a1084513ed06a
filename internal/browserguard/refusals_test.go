package browserguard_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/browserguard"
)

// Pages that are refused again and again do not fill the log.
func TestRefusalsAreLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, nil))
		var refusals browserguard.Refusals
		for range 3 {
			for range 100 {
				refusals.Warn(log, "refused", "host", browserguard.Shown(strings.Repeat("x", 1000)))
				refusals.Warn(log, "other")
			}
			time.Sleep(time.Minute)
		}
		if n := strings.Count(text.String(), "refused"); n != 3 || strings.Count(text.String(), "other") != 3 || text.Len() > 900 {
			t.Errorf("%d records: %s", n, &text)
		}
	})
}
