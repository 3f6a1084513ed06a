package jsonx

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func FuzzScan(f *testing.F) {
	for _, c := range broken {
		f.Add([]byte(c.text))
	}
	for _, text := range valid {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"a":1,"b":[true,{"c":"\ud800"}],"a":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		want := json.Valid(data)
		err := Valid(data)
		if (err == nil) != want && !isTooDeep(err) {
			t.Fatalf("Valid = %v, encoding/json says %v", err, want)
		}
		if got := Valid(AppendRaw(nil, data)); err == nil && got != nil {
			t.Fatalf("AppendRaw breaks it: %v", got)
		}
		checkMembers(t, data, want)
	})
}

func isTooDeep(err error) bool {
	e, ok := errors.AsType[*SyntaxError](err)
	return ok && e.Message == faultText[tooDeep]
}

func checkMembers(t *testing.T, data []byte, isJSON bool) {
	t.Helper()
	got := map[string][]byte{}
	err := Members(data, func(key string, raw []byte) error {
		if Valid(raw) != nil || !bytes.Equal(bytes.TrimSpace(raw), raw) {
			t.Fatalf("the value %q of %q is not JSON", raw, key)
		}
		got[key] = raw
		return nil
	})
	if err != nil && (isTooDeep(err) || strings.Contains(err.Error(), "occurs twice")) {
		return
	}
	if object := isJSON && Object(data); (err == nil) != object {
		t.Fatalf("Members = %v, but for an object: %v", err, object)
	}
	if err != nil {
		return
	}
	var want map[string]json.RawMessage
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d members, encoding/json finds %d", len(got), len(want))
	}
	for key, raw := range want {
		if !bytes.Equal(got[key], raw) {
			t.Fatalf("member %q is %s, encoding/json finds %s", key, got[key], raw)
		}
	}
}
