package actionherotest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
)

type welcomeInput struct {
	Email string `json:"email" required:"true" format:"email"`
}

var welcome = actionhero.Task[welcomeInput]{
	Name:        "welcome",
	Description: "Mails a new user",
	Run: func(_ context.Context, in welcomeInput) error {
		fmt.Println("a mail to", in.Email)
		return nil
	},
}

var register = actionhero.Action[welcomeInput, map[string]string]{
	Name:        "register",
	Description: "Registers a user and notifies the staff",
	Run: func(ctx context.Context, in welcomeInput) (map[string]string, error) {
		api := actionhero.RequestFrom(ctx).API
		if _, err := welcome.Enqueue(ctx, api, in); err != nil {
			return nil, err
		}
		return map[string]string{"registered": in.Email}, api.Rooms.Broadcast(ctx, "staff", "a new user")
	},
}

// exampleT stands for the *testing.T of a test.
type exampleT struct {
	testing.TB
	ctx     context.Context
	cleanup []func()
}

func (t *exampleT) Helper()                  {}
func (t *exampleT) Context() context.Context { return t.ctx }
func (t *exampleT) Cleanup(f func())         { t.cleanup = append(t.cleanup, f) }
func (t *exampleT) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }
func (t *exampleT) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
func (t *exampleT) Errorf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// goTest runs a test, as go test does with func TestRegister(t *testing.T) of a test file.
func goTest(test func(t testing.TB)) {
	ctx, cancel := context.WithCancel(context.Background())
	t := &exampleT{ctx: ctx}
	defer func() {
		cancel()
		for i := len(t.cleanup) - 1; i >= 0; i-- {
			t.cleanup[i]()
		}
	}()
	test(t)
}

// Run runs an action as a request of a client, through middleware and checks.
func ExampleRun() {
	testRegister := func(t testing.TB) {
		api := actionherotest.New(t, register, welcome)

		out, failure := actionherotest.Run(t, api, "register", map[string]any{"email": "ann@example.com"})
		fmt.Println(string(out), failure)

		_, failure = actionherotest.Run(t, api, "register", map[string]any{"email": "ann"})
		fmt.Println(actionhero.AsError(failure).Code, failure)
	}
	goTest(testRegister)
	// Output:
	// {"registered":"ann@example.com"} <nil>
	// invalidInput email must be an email address
}

// The API of New has no worker, so the jobs that an action enqueues wait for the test.
func ExampleRequireEnqueued() {
	testRegister := func(t testing.TB) {
		api := actionherotest.New(t, register, welcome)
		actionherotest.Run(t, api, "register", map[string]any{"email": "ann@example.com"})

		jobs := actionherotest.RequireEnqueued(t, api, "welcome", 1)
		fmt.Println(string(jobs[0].Params))
	}
	goTest(testRegister)
	// Output: {"email":"ann@example.com"}
}

// RunTask runs a task without a job, and returns its error.
func ExampleRunTask() {
	testWelcome := func(t testing.TB) {
		api := actionherotest.New(t, welcome)
		fmt.Println(actionherotest.RunTask(t, api, "welcome", map[string]any{"email": "ann@example.com"}))
		fmt.Println(actionherotest.RunTask(t, api, "welcome", nil))
	}
	goTest(testWelcome)
	// Output:
	// a mail to ann@example.com
	// <nil>
	// email is a required parameter for this task
}

// Connect returns a client that records the messages of its room.
func ExampleConnect() {
	testRegister := func(t testing.TB) {
		api := actionherotest.New(t, register, welcome)
		staff := actionherotest.Connect(t, api, "staff")
		actionherotest.Run(t, api, "register", map[string]any{"email": "ann@example.com"})

		for _, m := range staff.Messages() {
			fmt.Println(m.Room, m.Body)
		}
	}
	goTest(testRegister)
	// Output: staff "a new user"
}

// NewServer starts a whole server on free ports, for tests of routes, cookies and status codes.
func ExampleNewServer() {
	testStatus := func(t testing.TB) {
		s := actionherotest.NewServer(t, register, welcome)
		browser := actionherotest.HTTP(t, s)

		response := browser.Do("POST", "/api/register", map[string]string{"email": "ann"})
		var answer struct{ Error string }
		response.Decode(&answer)
		fmt.Println(response.Status, answer.Error)
	}
	goTest(testStatus)
	// Output: 400 email must be an email address
}

// Next waits for the next message of the room of a client.
func ExampleClient_Next() {
	testRegister := func(t testing.TB) {
		api := actionherotest.New(t, register, welcome)
		ann, staff := actionherotest.Connect(t, api, "lobby"), actionherotest.Connect(t, api, "staff")
		ann.Run(t, "register", map[string]any{"email": "ann@example.com"})

		fmt.Println(staff.Next(t).Body)
	}
	goTest(testRegister)
	// Output: "a new user"
}

// Logged returns what the code under test has logged.
func ExampleLogged() {
	testAudit := func(t testing.TB) {
		audit := actionhero.Action[welcomeInput, actionhero.None]{
			Name: "audit", Description: "Notes an address in the log",
			Run: func(ctx context.Context, in welcomeInput) (n actionhero.None, err error) {
				actionhero.RequestFrom(ctx).API.Log().Warn("audited", "email", in.Email)
				return n, nil
			},
		}
		api := actionherotest.New(t, audit)
		actionherotest.Run(t, api, "audit", map[string]any{"email": "ann@example.com"})

		for _, line := range actionherotest.Logged(t, api) {
			fmt.Println(line.Level, line.Message, line.Attrs["email"])
		}
	}
	goTest(testAudit)
	// Output: WARN audited ann@example.com
}

// NewWithWorker runs enqueued jobs. A test of retries or schedules calls it in a bubble of testing/synctest.
func ExampleNewWithWorker() {
	testWorker := func(t testing.TB) {
		done := make(chan string)
		report := actionhero.Task[actionhero.None]{
			Name: "report", Description: "Mails the report",
			Run: func(context.Context, actionhero.None) error { done <- "sent"; return nil },
		}
		api := actionherotest.NewWithWorker(t, report)
		if _, err := report.Enqueue(t.Context(), api, actionhero.None{}); err != nil {
			t.Fatal(err)
		}
		fmt.Println(<-done)
	}
	goTest(testWorker)
	// Output: sent
}

// mailer is what an action of the app needs. The app has an initializer that provides one.
type mailer interface {
	Send(to string) error
}

type printer struct{}

func (printer) Send(to string) error { fmt.Println("a mail to", to); return nil }

var invitations = actionhero.Initializer{
	Name: "invitations",
	Setup: func(api *actionhero.API) error {
		mail := actionhero.Use[mailer](api)
		return api.Register(actionhero.Action[welcomeInput, actionhero.None]{
			Name: "invite",
			Run: func(_ context.Context, in welcomeInput) (none actionhero.None, err error) {
				return none, mail.Get().Send(in.Email)
			},
		})
	},
}

// A test provides a mailer of its own in place of the mailer of the app.
func ExampleProvide() {
	goTest(func(t testing.TB) {
		api := actionherotest.New(t, invitations, actionherotest.Provide[mailer](printer{}))
		_, err := actionherotest.Run(t, api, "invite", map[string]string{"email": "ann@example.com"})
		fmt.Println(err)
	})
	// Output:
	// a mail to ann@example.com
	// <nil>
}
