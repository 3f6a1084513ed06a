package mail_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/examples/mailer/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSender is a Sender that records mails. It first returns the errors in fails, one for each call.
type fakeSender struct {
	mu    sync.Mutex
	fails []error
	tries int
	mails []string
}

func (s *fakeSender) Send(_ context.Context, to, subject, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if len(s.fails) > 0 {
		err := s.fails[0]
		s.fails = s.fails[1:]
		return err
	}
	s.mails = append(s.mails, to+": "+subject+" "+text)
	return nil
}

// sent returns the recorded mails and the number of calls of Send.
func (s *fakeSender) sent() (mails []string, tries int) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails), s.tries
}

var ann = map[string]any{"name": "Ann", "email": "ann@example.com"}

// signUp runs the action signUp, which must succeed.
func signUp(t *testing.T, api *actionhero.API, params map[string]any) {
	t.Helper()
	if _, err := actionherotest.Run(t, api, "signUp", params); err != nil {
		t.Fatal(err)
	}
}

// Two calls with the same input enqueue one mail, due in one minute.
func TestSignUpEnqueues(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, mail.New(&fakeSender{}, "admin@example.com").Parts())
	before := time.Now()
	for range 2 {
		signUp(t, api, ann)
	}
	job := actionherotest.RequireEnqueued(t, api, "welcome", 1)[0]
	if string(job.Params) != `{"name":"Ann","email":"ann@example.com"}` || job.RunAt.Before(before.Add(time.Minute)) {
		t.Errorf("the enqueued job is %+v", job)
	}
	if _, err := actionherotest.Run(t, api, "signUp", map[string]any{"name": "Ann", "email": "nowhere"}); err == nil || actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
		t.Errorf("without a valid address: %v", err)
	}
}

// If the mail server is down, the mail is sent later.
func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		sender := &fakeSender{fails: []error{down, down, down}}
		api := actionherotest.NewWithWorker(t, mail.New(sender, "admin@example.com").Parts())
		signUp(t, api, ann)
		time.Sleep(59 * time.Second)
		if _, tries := sender.sent(); tries > 0 {
			t.Error("the mail was sent before it was due")
		}
		time.Sleep(time.Minute)
		mails, tries := sender.sent()
		if want := []string{"ann@example.com: Welcome! Hello, Ann!"}; !slices.Equal(mails, want) || tries != 4 {
			t.Errorf("after %d calls of Send the mails are %q", tries, mails)
		}
	})
}

// A mail to an address that does not exist is not retried.
func TestNoSuchAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sender := &fakeSender{fails: []error{mail.ErrNoSuchAddress}}
		api := actionherotest.NewWithWorker(t, mail.New(sender, "admin@example.com").Parts())
		signUp(t, api, ann)
		time.Sleep(time.Hour)
		_, tries := sender.sent()
		if job := actionherotest.RequireEnqueued(t, api, "welcome", 1)[0]; tries != 1 || job.State.String() != "cancelled" || job.Error != mail.ErrNoSuchAddress.Error() {
			t.Errorf("after %d calls of Send the job is %+v", tries, job)
		}
	})
}

// The report is sent on each working day at 08:00 in Berlin.
func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the bubble begins on Saturday, 2000-01-01, at midnight UTC
		sender := &fakeSender{}
		api := actionherotest.NewWithWorker(t, mail.New(sender, "admin@example.com").Parts())
		signUp(t, api, ann)
		time.Sleep((2*24 + 7) * time.Hour)
		mails, _ := sender.sent()
		want := []string{"ann@example.com: Welcome! Hello, Ann!", "admin@example.com: Mails sent: 0, waiting: 0, to no address: 0, failed: 0"}
		if !slices.Equal(mails, want) { // completed jobs of Saturday are deleted before Monday, so sent is 0
			t.Errorf("on Monday the mails are %q", mails)
		}
		time.Sleep(5*24*time.Hour - time.Minute)
		if mails, _ = sender.sent(); len(mails) != 6 {
			t.Errorf("on Saturday the mails are %q", mails)
		}
	})
}

func TestReportCounts(t *testing.T) {
	t.Parallel()
	sender := &fakeSender{}
	api := actionherotest.New(t, mail.New(sender, "admin@example.com").Parts())
	signUp(t, api, ann)
	if err := actionherotest.RunTask(t, api, "report", nil); err != nil {
		t.Fatal(err)
	}
	if want := []string{"admin@example.com: Mails sent: 0, waiting: 1, to no address: 0, failed: 0"}; !slices.Equal(sender.mails, want) {
		t.Errorf("the mails are %q", sender.mails)
	}
}
