package basics

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// VerifyTestMain runs the tests of a package and exits. If they pass and goroutines are left over, the exit code is 1.
// Package goleak waits for their ends for 0.4 s only, which is too short on a busy machine, so VerifyTestMain waits for
// [Wait].
func VerifyTestMain(m *testing.M, ignored ...goleak.Option) {
	code := m.Run()
	if code == 0 {
		if err := leftOver(ignored); err != nil {
			fmt.Fprintf(os.Stderr, "FAIL: after the tests of this package, goroutines are left over: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

func leftOver(ignored []goleak.Option) (err error) {
	for end := time.Now().Add(Wait); ; {
		if err = goleak.Find(ignored...); err == nil || time.Now().After(end) {
			return err
		}
	}
}
