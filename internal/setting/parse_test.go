package setting

import (
	"testing"
	"time"
)

func TestSizesAndDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"1048576": 1 << 20, "1MiB": 1 << 20, "64 KiB": 64 << 10, "10MB": 10e6, " 2 gib ": 2 << 30, "5b": 5, "0": 0, "-1": -1, "3TB": 3e12,
		"": -99, "MiB": -99, "1.5MiB": -99, "1M": -99, "1 MiBs": -99, "9999999999TiB": -99, "1Ki": -99,
	} {
		got, ok := parseSize(text)
		if ok != (want != -99) || ok && got != want {
			t.Errorf("parseSize(%q) = %d, %v", text, got, ok)
		}
	}
	for text, want := range map[string]time.Duration{
		"15s": 15 * time.Second, "250ms": 250 * time.Millisecond, "1h2m": 62 * time.Minute, "0": 0,
		"250": -99, "0.5": -99, "1e3": -99, "": -99, "soon": -99, "1e300": -99, "NaN": -99, "Inf": -99,
	} {
		got, ok := parseDuration(text)
		if ok != (want != -99) || ok && got != int64(want) {
			t.Errorf("parseDuration(%q) = %d, %v", text, got, ok)
		}
	}
}
