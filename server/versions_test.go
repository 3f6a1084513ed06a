package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// A param or a name chooses the version of an action on each transport, and an unknown version has the same error there.
func TestVersionsAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	version := func(n int) actionhero.Part {
		return actionhero.Action[actionhero.None, map[string]int]{Name: "x", Version: n, Kind: actionhero.KindRead, Run: func(context.Context, actionhero.None) (map[string]int, error) {
			return map[string]int{"ran": n}, nil
		}}
	}
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{version(9), version(10), version(2)}})
	const unknown = "x has no version 3: choose one of 2, 9, 10"
	for transport, connect := range testkit.Transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			client := connect(t, s)
			for _, test := range []struct{ name, param, ran, failure string }{
				{"x", "", "10", ""}, {"x", "9", "9", ""}, {"v9/x", "", "9", ""}, {"v2/x", "10", "2", ""}, {"x", "3", "", unknown}, {"v10/x", "3", "10", ""},
				{"x", "one", "", "apiVersion must be a whole number of 1 or more"}, {"v3/x", "", "", unknown},
			} {
				params := map[string]string{}
				if test.param != "" || transport == "tcp" { // a param of TCP stays
					params["apiVersion"] = test.param
				}
				if transport == "worker" {
					params["action"] = test.name
					if test.name == "v3/x" {
						continue // refused before it runs
					}
					got := client.Do("runAction", params)
					if got.Error != test.failure && !strings.HasSuffix(got.Error, test.failure) || test.failure == "" && got.Error != "" {
						t.Errorf("%s with %q: %q, want %q", test.name, test.param, got.Error, test.failure)
					}
					continue
				}
				got := client.Do(test.name, params)
				if got.Error != test.failure || test.ran != "" && !strings.Contains(got.JSON, `"ran":`+test.ran) {
					t.Errorf("%s with %q: %s, want %s%s", test.name, test.param, got.JSON, test.ran, test.failure)
				}
			}
		})
	}
}
