package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
)

// The values of the tests: a store needs a database, and a mailer needs nothing.
type (
	database struct{ number int }
	store    struct{ db *database }
	mailer   interface{ send() string }
	postman  struct{}
)

func (postman) send() string { return "sent" }

// journal records starts and stops.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// provider returns an initializer that provides a T and needs the values that needs uses. It records its starts and stops.
func provider[T any](j *journal, name string, make func() (T, error), needs ...func(api *actionhero.API)) actionhero.Initializer {
	return actionhero.Initializer{
		Name: name,
		Setup: func(api *actionhero.API) error {
			for _, need := range needs {
				need(api)
			}
			actionhero.Provide(api, func(context.Context) (T, error) {
				j.add("start value of %s", name)
				return make()
			}, func(context.Context, T) error {
				j.add("stop value of %s", name)
				return nil
			})
			return nil
		},
		Start: func(context.Context, *actionhero.API) error { j.add("start %s", name); return nil },
		Stop:  func(context.Context, *actionhero.API) error { j.add("stop %s", name); return nil },
	}
}

// uses returns a need of [provider].
func uses[T any](api *actionhero.API) { actionhero.Use[T](api) }

func wantLines(t *testing.T, j *journal, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.lines, want) {
		t.Errorf("%q,\nwant %q", j.lines, want)
	}
	j.lines = nil
}

// storeParts returns an initializer that makes a store from the database, and an action that reads the store.
func storeParts(j *journal) actionhero.Initializer {
	return actionhero.Initializer{
		Name: "store",
		Setup: func(api *actionhero.API) error {
			db := actionhero.Use[*database](api)
			stores := actionhero.Provide(api, func(context.Context) (*store, error) {
				j.add("start value of store")
				return &store{db.Get()}, nil
			}, func(context.Context, *store) error { j.add("stop value of store"); return nil })
			return api.Register(numberAction(stores))
		},
		Start: func(context.Context, *actionhero.API) error { j.add("start store"); return nil },
		Stop:  func(context.Context, *actionhero.API) error { j.add("stop store"); return nil },
	}
}

func numberAction(stores actionhero.Value[*store]) actionhero.Part {
	return actionhero.Action[actionhero.None, map[string]int]{Name: "number", Run: func(context.Context, actionhero.None) (map[string]int, error) {
		return map[string]int{"number": stores.Get().db.number}, nil
	}}
}

func TestInitializersStartAfterWhatTheyNeedAndStopBeforeIt(t *testing.T) {
	t.Parallel()
	var j journal
	number := 0
	db := provider(&j, "database", func() (*database, error) { number++; return &database{number}, nil })
	mail := provider(&j, "mail", func() (mailer, error) { return postman{}, nil })
	mail.After = []string{"store"}
	api := stoppedAPI(t, actionhero.Config{}, mail, storeParts(&j), db)
	for run := 1; run <= 2; run++ {
		steps(t, api.Start(t.Context()))
		if out, err := dispatch(t, api, "number"); err != nil || fmt.Sprint(out) != fmt.Sprintf("map[number:%d]", run) {
			t.Errorf("start %d: %v, %v", run, out, err)
		}
		if got := actionhero.Use[mailer](api).Get().send(); got != "sent" {
			t.Errorf("the mailer says %q", got)
		}
		wantLines(t, &j, "start value of database", "start database", "start value of store", "start store", "start value of mail", "start mail")
		steps(t, api.Stop(t.Context()))
		wantLines(t, &j, "stop mail", "stop value of mail", "stop store", "stop value of store", "stop database", "stop value of database")
	}
}

func TestWithoutNeedsTheOrderIsTheOrderOfRegistration(t *testing.T) {
	t.Parallel()
	var j journal
	var all actionhero.Parts
	for _, name := range []string{"c", "a", "b"} {
		all = append(all, actionhero.Initializer{Name: name, Start: func(context.Context, *actionhero.API) error { j.add("%s", name); return nil }})
	}
	steps(t, newAPI(t, actionhero.Config{}, all).Stop(t.Context()))
	wantLines(t, &j, "c", "a", "b")
}

// Before anything starts, each value without a provider is named, with its users and the remedy.
func TestAUseWithoutAProvideIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	var j journal
	api := stoppedAPI(t, actionhero.Config{}, provider(&j, "mail", func() (mailer, error) { return postman{}, nil }), storeParts(&j))
	actionhero.Use[chan int](api)
	for range 2 {
		err := api.Start(t.Context())
		wantError(t, "initializer", err, `initializer "store" uses the type *actionhero_test.database, which no initializer of this API provides: register an initializer whose Setup calls actionhero.Provide[*actionhero_test.database]`)
		_, _, line, _ := runtime.Caller(0)
		wantError(t, "program", err, fmt.Sprintf("value_test.go:%d uses the type chan int", line-4))
	}
	wantLines(t, &j)
	if api.Uptime() != 0 {
		t.Error("the API counts as started")
	}
	steps(t, api.Register(provider(&j, "db", func() (*database, error) { return &database{}, nil }), provider(&j, "chan", func() (chan int, error) { return nil, nil })),
		api.Start(t.Context()), api.Stop(t.Context()))
}

func TestTwoProvidersOfOneTypeAreRefused(t *testing.T) {
	t.Parallel()
	var j journal
	open := func() (*database, error) { return &database{}, nil }
	api := stoppedAPI(t, actionhero.Config{}, provider(&j, "first", open))
	wantError(t, "Register", api.Register(provider(&j, "second", open)), `initializers "first" and "second" both provide a *actionhero_test.database: remove one`)
	steps(t, api.Start(t.Context()), api.Stop(t.Context()))
	wantLines(t, &j, "start value of first", "start first", "stop first", "stop value of first")
}

func TestACircleOfInitializersNamesItsMembersInOrder(t *testing.T) {
	t.Parallel()
	var j journal
	open := func() (*database, error) { return &database{}, nil }
	make := func() (*store, error) { return &store{}, nil }
	after := func(name string, others ...string) actionhero.Initializer {
		return actionhero.Initializer{Name: name, After: others}
	}
	for name, test := range map[string]struct {
		parts actionhero.Parts
		want  string
	}{
		"by type":  {actionhero.Parts{after("x"), provider(&j, "a", open, uses[*store]), provider(&j, "b", make, uses[*database])}, "a → b → a need each other in a circle: a uses the *actionhero_test.store of b, b uses the *actionhero_test.database of a;"},
		"by name":  {actionhero.Parts{after("outside", "b"), after("b", "c"), after("c", "d"), after("d", "b")}, "b → c → d → b need each other in a circle: b is after c, c is after d, d is after b;"},
		"by both":  {actionhero.Parts{provider(&j, "a", open), provider(&j, "b", make, uses[*database]), after("c", "b"), after("d"), provider(&j, "e", func() (mailer, error) { return nil, nil }, uses[chan int]), provider(&j, "f", func() (chan int, error) { return nil, nil }, uses[*store], uses[mailer])}, "e → f → e need each other"},
		"one only": {actionhero.Parts{after("b", "a"), after("a", "c", "a"), after("c")}, ""},
	} {
		err := stoppedAPI(t, actionhero.Config{}, test.parts).Start(t.Context())
		if test.want == "" {
			wantError(t, name, err, "a → a need each other in a circle: a is after a;")
			continue
		}
		wantError(t, name, err, "the initializers "+test.want)
	}
	wantLines(t, &j)
}

func TestAnUnknownNameInAfterIsRefused(t *testing.T) {
	t.Parallel()
	api := stoppedAPI(t, actionhero.Config{}, actionhero.Initializer{Name: "mail", After: []string{"databse"}}, actionhero.Initializer{Name: "database"})
	wantError(t, "Start", api.Start(t.Context()), `initializer "mail" is after the initializer "databse", which is not registered (did you mean "database"?): correct its field After`)
}

// A start that fails stops what has started, in reverse, and the value that failed is not stopped.
func TestAFailedInitializerStopsTheEarlierOnesInReverse(t *testing.T) {
	t.Parallel()
	var j journal
	refuses := errors.New("the disk is full")
	ends := map[string]func() (*store, error){
		"error": func() (*store, error) { return nil, refuses }, "panic": func() (*store, error) { panic(refuses) },
		"goexit": func() (*store, error) { runtime.Goexit(); return nil, nil },
	}
	for how, end := range ends {
		api := stoppedAPI(t, actionhero.Config{}, provider(&j, "mail", func() (mailer, error) { return postman{}, nil }),
			provider(&j, "database", func() (*database, error) { return &database{}, nil }), provider(&j, "store", end, uses[*database]))
		err := api.Start(t.Context())
		wantError(t, how, err, `initializer "store" does not start its *actionhero_test.store: `)
		if how == "error" && !errors.Is(err, refuses) {
			t.Errorf("%s: %v", how, err)
		}
		wantLines(t, &j, "start value of mail", "start mail", "start value of database", "start database", "start value of store",
			"stop database", "stop value of database", "stop mail", "stop value of mail")
	}
}

// The same parts serve several APIs, and each of them has values of its own.
func TestAPIsOfOneProcessShareNoValues(t *testing.T) {
	t.Parallel()
	var j journal
	var mu sync.Mutex
	number := 0
	all := actionhero.Parts{storeParts(&j), provider(&j, "database", func() (*database, error) {
		mu.Lock()
		defer mu.Unlock()
		number++
		return &database{number}, nil
	})}
	first, second := newAPI(t, actionhero.Config{}, all), newAPI(t, actionhero.Config{}, all)
	for range 2 {
		for want, api := range map[string]*actionhero.API{"map[number:1]": first, "map[number:2]": second} {
			if out, err := dispatch(t, api, "number"); err != nil || fmt.Sprint(out) != want {
				t.Errorf("got %v, %v, want %s", out, err, want)
			}
		}
	}
	if one, two := actionhero.Use[*database](first).Get(), actionhero.Use[*database](second).Get(); one.number != 1 || two.number != 2 {
		t.Errorf("the databases are %v and %v", one, two)
	}
}

// What an initializer has registered reads the values of that initializer, so it starts after their providers, too.
func TestInitializersOfAnInitializerInheritItsNeeds(t *testing.T) {
	t.Parallel()
	var j journal
	var db actionhero.Value[*database]
	inner := actionhero.Initializer{Name: "inner", Start: func(context.Context, *actionhero.API) error { j.add("inner reads %d", db.Get().number); return nil }}
	outer := actionhero.Initializer{Name: "outer", Setup: func(api *actionhero.API) error {
		db = actionhero.Use[*database](api)
		actionhero.Use[mailer](api)
		return api.Register(inner, provider(&j, "mail", func() (mailer, error) { return postman{}, nil }))
	}}
	api := stoppedAPI(t, actionhero.Config{}, actionhero.Initializer{Name: "early", After: []string{"inner"}}, outer,
		provider(&j, "database", func() (*database, error) { return &database{7}, nil }))
	steps(t, api.Start(t.Context()), api.Stop(t.Context()))
	if got := strings.Join(j.lines, ", "); !strings.HasPrefix(got, "start value of database, start database, inner reads 7, start value of mail, ") {
		t.Error(got)
	}
}

// A registration that fails takes its values and needs with it.
func TestAFailedRegistrationForgetsItsValues(t *testing.T) {
	t.Parallel()
	var j journal
	open := func() (*database, error) { return &database{3}, nil }
	fails := provider(&j, "fails", open, uses[chan int])
	setup := fails.Setup
	fails.Setup = func(api *actionhero.API) error { return errors.Join(setup(api), errors.New("no")) }
	api := stoppedAPI(t, actionhero.Config{})
	wantError(t, "Register", api.Register(fails), `initializer "fails": no`)
	steps(t, api.Register(provider(&j, "database", open)), api.Start(t.Context()))
	if n := actionhero.Use[*database](api).Get().number; n != 3 {
		t.Errorf("the number is %d", n)
	}
	steps(t, api.Stop(t.Context()))
	wantLines(t, &j, "start value of database", "start database", "stop database", "stop value of database")
}

func TestMisuseOfValuesNamesTheRemedy(t *testing.T) {
	t.Parallel()
	api := stoppedAPI(t, actionhero.Config{})
	want := func(what, text string, call func()) {
		t.Helper()
		defer func() {
			if p := recover(); !strings.Contains(fmt.Sprint(p), text) {
				t.Errorf("%s: %v", what, p)
			}
		}()
		call()
	}
	want("Provide outside a Setup", "call it in Initializer.Setup", func() {
		actionhero.Provide(api, func(context.Context) (int, error) { return 1, nil }, nil)
	})
	want("Get before the start", "the value int has not started yet", func() { actionhero.Use[int](api).Get() })
	want("the zero Value", "the value int has not started yet", func() { actionhero.Value[int]{}.Get() })
	if got := actionhero.ValueOf(5).Get(); got != 5 {
		t.Errorf("ValueOf(5) is %d", got)
	}
}

// Goroutines read values while the API restarts. After a stop they read the value that was stopped.
func TestValuesMayBeReadDuringARestart(t *testing.T) {
	t.Parallel()
	var j journal
	number := 0
	api := newAPI(t, actionhero.Config{}, provider(&j, "database", func() (*database, error) { number++; return &database{number}, nil }))
	db := actionhero.Use[*database](api)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for last := 0; ; {
				now := db.Get().number
				if now < last {
					t.Errorf("read %d after %d", now, last)
				}
				last = now
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		})
	}
	for range 20 {
		steps(t, api.Restart(t.Context()))
	}
	close(stop)
	readers.Wait()
	steps(t, api.Stop(t.Context()))
	if n := db.Get().number; n != 21 {
		t.Errorf("after the stop, the value is %d", n)
	}
}

func TestReadingAValueAllocatesNothing(t *testing.T) {
	var j journal
	api := newAPI(t, actionhero.Config{}, provider(&j, "database", func() (*database, error) { return &database{}, nil }))
	db := actionhero.Use[*database](api)
	if n := testing.AllocsPerRun(100, func() { _ = db.Get().number }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkValueGet(b *testing.B) {
	db := actionhero.ValueOf(&database{1})
	sum := 0
	for b.Loop() {
		sum += db.Get().number
	}
	_ = sum
}
