package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// The error of an element of a list or a map has the place of the list or the map.
func TestLocateNamesThePlaceOfAnElement(t *testing.T) {
	t.Parallel()
	type settings struct {
		App struct {
			Names  []string       `json:"names" min:"1" doc:"names"`
			Named  int            `json:"named" max:"1" doc:"a setting whose name begins like another one"`
			Counts map[string]int `json:"counts" max:"3" doc:"counts"`
		} `json:"app"`
	}
	var s settings
	path := filepath.Join(t.TempDir(), "config.json")
	text := "{\"app\": {\"names\": [\"a\", \"\"],\n\"named\": 2,\n\"counts\": {\"x\": 4}}}"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	origins, err := Load(&s, Options{Dir: filepath.Dir(path)})
	if err != nil {
		t.Fatal(err)
	}
	want := "config.json:1: app.names[1] is \"\": it must be above zero\n" +
		"config.json:2: app.named is 2: it must be at most 1\n" +
		"config.json:3: app.counts.x is 4: it must be at most 3"
	if err := Locate(setting.Check("", &s), &s, origins); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	s.App.Named = 3
	if err := Locate(setting.Check("", &s), s, origins); err == nil || err.Error() == want {
		t.Errorf("a value of the program has the place of the file: %v", err)
	}
	s = settings{}
	if err := Locate(setting.Check("", &s), s, origins); err != nil {
		t.Error(err)
	}
	for _, other := range []error{errors.New("appointments are full"), fmt.Errorf("%w and %w", errors.New("one"), errors.New("two")), nil} {
		if err := Locate(other, s, origins); err != other {
			t.Errorf("an error about no setting: %v", err)
		}
	}
}
