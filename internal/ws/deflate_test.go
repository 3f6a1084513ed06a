package ws

import (
	"bytes"
	"compress/flate"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

func TestDeflateOffers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"":                   false,
		"permessage-deflate": true,
		"Permessage-Deflate": true,
		"x-webkit-deflate-frame, permessage-deflate":                                                true,
		"permessage-deflate; client_max_window_bits":                                                true,
		"permessage-deflate; client_max_window_bits=8":                                              true,
		`permessage-deflate ; client_max_window_bits = "15"`:                                        true,
		"permessage-deflate; server_no_context_takeover":                                            true,
		"permessage-deflate; client_no_context_takeover":                                            true,
		"permessage-deflate; server_max_window_bits=15":                                             true,
		"permessage-deflate; server_max_window_bits=10":                                             false, // not supported by the compressor
		"permessage-deflate; server_max_window_bits":                                                false,
		"permessage-deflate; client_max_window_bits=16":                                             false,
		"permessage-deflate; client_max_window_bits=7":                                              false,
		"permessage-deflate; client_max_window_bits=08":                                             false,
		"permessage-deflate; client_max_window_bits=+8":                                             false,
		"permessage-deflate; client_max_window_bits=":                                               false,
		"permessage-deflate; server_no_context_takeover=1":                                          false,
		"permessage-deflate; unknown":                                                               false,
		"permessage-deflate;":                                                                       true,
		"permessage-deflate;;":                                                                      false,
		"permessage-deflate; client_max_window_bits; client_max_window_bits":                        false,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":                         true,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate; client_max_window_bits": true,
		"permessage-deflate2":                                                                       false,
	} {
		if got := offersDeflate([]string{text}); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if !offersDeflate([]string{"foo", "permessage-deflate"}) {
		t.Error("an offer in a second header is ignored")
	}
}

// messages returns texts that are repetitive, random, short and long.
func messages() []string {
	random := make([]byte, 40_000)
	for i := range random {
		random[i] = byte(rand.IntN(256))
	}
	return []string{"", "a", strings.Repeat("a", 511), strings.Repeat("a", 512), strings.Repeat("hello, ", 5000), string(random[:600]), string(random)}
}

func TestDeflateAndInflate(t *testing.T) {
	t.Parallel()
	for _, text := range messages() {
		packed := deflate(nil, []byte(text))
		got, fault := inflate(packed, len(text))
		if fault != nil || string(got) != text {
			t.Errorf("%d bytes are deflated to %d and inflated to %d, %v", len(text), len(packed), len(got), fault)
		}
		if len(text) > 0 {
			if _, fault = inflate(packed, len(text)-1); fault == nil || fault.Code != TooBig {
				t.Errorf("%d bytes with a limit of %d: %v", len(text), len(text)-1, fault)
			}
		}
		// The standard library inflates it, too.
		out := flate.NewReader(bytes.NewReader(append(packed, lastBlock...)))
		var all bytes.Buffer
		if _, err := all.ReadFrom(out); err != nil || all.String() != text {
			t.Errorf("compress/flate does not inflate %d bytes: %v", len(text), err)
		}
	}
}

func TestInflateInvalid(t *testing.T) {
	t.Parallel()
	packed := deflate(nil, []byte(strings.Repeat("hello, ", 1000)))
	for name, b := range map[string][]byte{"noise": []byte("\xff\xff\xff\xff noise"), "cut off": packed[:len(packed)/2], "a reserved block": {7}} {
		if _, fault := inflate(b, 1<<20); fault == nil || fault.Code != InvalidPayload {
			t.Errorf("%s: %v", name, fault)
		}
	}
}

// A small message that inflates to 256 MiB is refused before it needs more memory than the limit.
func TestInflateBomb(t *testing.T) {
	packed := bomb(256)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		if _, fault := inflate(packed, 64<<10); fault == nil || fault.Code != TooBig {
			t.Fatalf("%d bytes that inflate to 256 MiB: %v", len(packed), fault)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 10*512<<10 {
		t.Errorf("ten refused messages allocated %d bytes", n)
	}
}

// bomb returns n MiB of zeros, compressed. The block of one MiB can be repeated, because it does not refer to earlier data.
func bomb(n int) []byte {
	mega := append(deflate(nil, make([]byte, 1<<20)), deflateTail...)
	return bytes.Repeat(mega, n)
}

// A frame is compressed if that makes it smaller.
func TestDeflatedTextFrame(t *testing.T) {
	t.Parallel()
	for _, text := range messages() {
		frame := DeflatedTextFrame([]byte(text))
		plain := TextFrame([]byte(text))
		switch isPacked := frame[0]&bitRSV1 != 0; {
		case isPacked && len(frame) >= len(plain):
			t.Errorf("%d bytes become a frame of %d", len(text), len(frame))
		case !isPacked && !bytes.Equal(frame, plain):
			t.Errorf("%d bytes become the frame %.20q", len(text), frame)
		case isPacked && len(text) < minDeflate, !isPacked && strings.HasPrefix(text, "hello"):
			t.Errorf("%d bytes: compressed is %v", len(text), isPacked)
		}
	}
}

func FuzzInflate(f *testing.F) {
	for _, text := range messages() {
		f.Add(deflate(nil, []byte(text)))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		const limit = 1 << 16
		text, fault := inflate(packed, limit)
		if len(text) > limit {
			t.Fatalf("%d bytes", len(text))
		}
		if fault == nil {
			if again, fault := inflate(deflate(nil, text), limit); fault != nil || !bytes.Equal(again, text) {
				t.Fatalf("%q is deflated and inflated to %q, %v", text, again, fault)
			}
		}
	})
}
