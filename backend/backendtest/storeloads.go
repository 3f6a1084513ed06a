package backendtest

import (
	"context"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// reserve calls Reserve for a key without an entry, and fails the test unless mine is as wanted.
func (t *tester) reserve(s backend.Store, key string, mine bool) (load string) {
	t.Helper()
	_, load, got, err := s.Reserve(t.ctx, key, time.Minute)
	if err != nil || load == "" || got != mine {
		t.Fatalf("Reserve(%q) = %q, %t, %v, want a load, mine = %t", key, load, got, err, mine)
	}
	return load
}

func (t *tester) fill(s backend.Store, key, load, value string, want bool) {
	t.Helper()
	var bytes []byte
	if value != "" {
		bytes = []byte(value)
	}
	if stored, err := s.Fill(t.ctx, key, load, bytes, 0); err != nil || stored != want {
		t.Fatalf("Fill(%q) = %t, %v, want %t", key, stored, err, want)
	}
}

func loading(t *tester) {
	s := t.open().Store()
	load := t.reserve(s, "a", true)
	if again := t.reserve(s, "a", false); again != load {
		t.Errorf("a second Reserve returns the load %q, want %q", again, load)
	}
	t.fill(s, "a", "another load", "x", false)
	t.fill(s, "a", load, "loaded", true)
	t.fill(s, "a", load, "twice", false)
	t.wantValue(s, "a", "loaded")
	if e, load, mine, err := s.Reserve(t.ctx, "a", time.Minute); err != nil || load != "" || mine || string(e.Value) != "loaded" {
		t.Errorf("Reserve of an entry = %q, %q, %t, %v", e.Value, load, mine, err)
	}
	t.must(s.AwaitLoad(t.ctx, "a", load))

	failed := t.reserve(s, "b", true)
	t.fill(s, "b", failed, "", false)
	next := t.reserve(s, "b", true)
	if next == failed {
		t.Error("a load that has failed is given to the next caller")
	}
	waited := make(chan error, 1)
	go func() { waited <- s.AwaitLoad(t.ctx, "b", next) }()
	t.fill(s, "b", next, "second", true)
	select {
	case err := <-waited:
		t.must(err)
	case <-time.After(waitLimit):
		t.Errorf("AwaitLoad does not return within %v of the end of the load", waitLimit)
	}

	if _, _, mine, err := s.Reserve(t.ctx, "short", 20*time.Millisecond); err != nil || !mine {
		t.Fatalf("Reserve = %t, %v", mine, err)
	}
	end := time.Now().Add(waitLimit)
	for mine := false; !mine; {
		var err error
		if _, _, mine, err = s.Reserve(t.ctx, "short", time.Minute); err != nil || time.Now().After(end) {
			t.Fatalf("a load of 20ms still runs: %v", err)
		}
		time.Sleep(time.Millisecond)
	}

	ctx, cancel := context.WithTimeout(t.ctx, 20*time.Millisecond)
	defer cancel()
	if err := s.AwaitLoad(ctx, "c", t.reserve(s, "c", true)); err == nil {
		// AwaitLoad may return early, but then the load must be there still.
		t.reserve(s, "c", false)
	}
}

// renewing checks that a renewed load lives longer, and that only the load itself can be renewed.
func renewing(t *tester) {
	s := t.open().Store()
	wantRenew := func(key, load string, want bool) {
		t.Helper()
		if held, err := s.Renew(t.ctx, key, load, time.Minute); err != nil || held != want {
			t.Errorf("Renew(%q, %q) = %t, %v, want %t", key, load, held, err, want)
		}
	}
	wantRenew("none", "load", false)
	_, load, _, err := s.Reserve(t.ctx, "a", 500*time.Millisecond)
	t.must(err)
	wantRenew("a", "another load", false)
	if held, err := s.Renew(t.ctx, "a", load, time.Minute); err != nil || !held {
		if err != nil {
			t.Fatal(err)
		}
		t.Skip("the machine is too slow: the load ended before it was renewed")
	}
	time.Sleep(time.Second)
	if again := t.reserve(s, "a", false); again != load {
		t.Error("a renewed load has ended early")
	}
	t.fill(s, "a", load, "loaded", true)
	wantRenew("a", load, false)

	_, lost, _, err := s.Reserve(t.ctx, "short", 20*time.Millisecond)
	t.must(err)
	end := time.Now().Add(waitLimit)
	for {
		_, next, mine, err := s.Reserve(t.ctx, "short", time.Minute)
		t.must(err)
		if mine {
			wantRenew("short", lost, false)
			wantRenew("short", next, true)
			break
		}
		if time.Now().After(end) {
			t.Fatal("a load of 20ms still runs")
		}
		time.Sleep(time.Millisecond)
	}
}

// changesDuringLoad checks that a value that was loaded before a change is never stored after it.
func changesDuringLoad(t *tester) {
	s := t.open().Store()
	changes := map[string]func(key string){
		"set":       func(key string) { t.set(s, key, "1", 0) },
		"add":       func(key string) { _, err := s.Add(t.ctx, key, []byte("1"), 0); t.must(err) },
		"increment": func(key string) { _, err := s.Increment(t.ctx, key, 1, 0); t.must(err) },
		"delete":    func(key string) { t.wantDelete(s, key, false) },
		"clear":     func(key string) { _, err := s.Clear(t.ctx, key); t.must(err) },
	}
	for name, change := range changes {
		load := t.reserve(s, name, true)
		change(name)
		t.fill(s, name, load, "stale", false)
		if name == "delete" || name == "clear" {
			t.fill(s, name, t.reserve(s, name, true), "1", true)
		}
		t.wantValue(s, name, "1")
	}
}

// loadConcurrently checks that one of many callers loads.
func loadConcurrently(t *tester) {
	s := t.open().Store()
	const callers = 16
	var mu sync.Mutex
	loads := 0
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for {
				e, load, mine, err := s.Reserve(t.ctx, "key", time.Minute)
				switch {
				case err != nil:
					t.Errorf("Reserve: %v", err)
					return
				case load == "":
					if string(e.Value) != "value" {
						t.Errorf("the value is %q", e.Value)
					}
					return
				case mine:
					mu.Lock()
					loads++
					mu.Unlock()
					if _, err := s.Fill(t.ctx, "key", load, []byte("value"), 0); err != nil {
						t.Errorf("Fill: %v", err)
					}
					return
				}
				if err := s.AwaitLoad(t.ctx, "key", load); err != nil {
					t.Errorf("AwaitLoad: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if loads != 1 {
		t.Errorf("%d callers loaded, want 1", loads)
	}
}
