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

// box is a Sender that keeps the mails, and returns each error of fails first.
type box struct {
	mu    sync.Mutex
	fails []error
	tries int
	mails []string
}

func (b *box) Send(_ context.Context, to, subject, text string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	if len(b.fails) > 0 {
		err := b.fails[0]
		b.fails = b.fails[1:]
		return err
	}
	b.mails = append(b.mails, to+": "+subject+" "+text)
	return nil
}

// sent returns the mails, and the number of calls.
func (b *box) sent() (mails []string, tries int) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.mails), b.tries
}

var ann = map[string]any{"name": "Ann", "email": "ann@example.com"}

// signUp signs a user up, and fails the test on an error.
func signUp(t *testing.T, api *actionhero.API, who map[string]any) {
	t.Helper()
	if _, err := actionherotest.Run(t, api, "signUp", who); err != nil {
		t.Fatal(err)
	}
}

// A user gets one mail after a minute, however often the user signs up.
func TestSignUpEnqueues(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, mail.New(&box{}, "admin@example.com").Parts())
	before := time.Now()
	for range 2 {
		signUp(t, api, ann)
	}
	jobs := actionherotest.Enqueued(t, api, "welcome")
	if len(jobs) != 1 || string(jobs[0].Params) != `{"name":"Ann","email":"ann@example.com"}` || jobs[0].RunAt.Before(before.Add(time.Minute)) {
		t.Errorf("enqueued are %+v", jobs)
	}
	if _, err := actionherotest.Run(t, api, "signUp", map[string]any{"name": "Ann", "email": "nowhere"}); err == nil || err.Code != actionhero.CodeInvalidInput {
		t.Errorf("without an address: %v", err)
	}
}

// A mail server that is down for a while loses no mail.
func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		b := &box{fails: []error{down, down, down}}
		api := actionherotest.NewWithWorker(t, mail.New(b, "admin@example.com").Parts())
		signUp(t, api, ann)
		time.Sleep(59 * time.Second)
		if _, tries := b.sent(); tries > 0 {
			t.Error("it was sent before its time")
		}
		time.Sleep(time.Minute)
		mails, tries := b.sent()
		if want := []string{"ann@example.com: Welcome! Hello, Ann!"}; !slices.Equal(mails, want) || tries != 4 {
			t.Errorf("after %d tries the box has %q", tries, mails)
		}
	})
}

// A mail to an address that does not exist is tried once.
func TestNoSuchAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &box{fails: []error{mail.ErrNoSuchAddress}}
		api := actionherotest.NewWithWorker(t, mail.New(b, "admin@example.com").Parts())
		signUp(t, api, ann)
		time.Sleep(time.Hour)
		_, tries := b.sent()
		if job := actionherotest.Enqueued(t, api, "welcome")[0]; tries != 1 || job.State.String() != "cancelled" || job.Error != mail.ErrNoSuchAddress.Error() {
			t.Errorf("after %d tries the job is %+v", tries, job)
		}
	})
}

// Each working day has its report, at 08:00 in Berlin.
func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // it begins on a Saturday, 2000-01-01, at midnight in London
		b := &box{}
		api := actionherotest.NewWithWorker(t, mail.New(b, "admin@example.com").Parts())
		signUp(t, api, ann)
		time.Sleep((2*24 + 7) * time.Hour)
		mails, _ := b.sent()
		want := []string{"ann@example.com: Welcome! Hello, Ann!", "admin@example.com: Mails sent: 0, waiting: 0, to no address: 0, failed: 0"}
		if !slices.Equal(mails, want) { // jobs of Saturday are kept for less than two days
			t.Errorf("on Monday the box has %q", mails)
		}
		time.Sleep(5*24*time.Hour - time.Minute)
		if mails, _ = b.sent(); len(mails) != 6 {
			t.Errorf("on Saturday the box has %q", mails)
		}
	})
}

func TestReportCounts(t *testing.T) {
	t.Parallel()
	b := &box{}
	api := actionherotest.New(t, mail.New(b, "admin@example.com").Parts())
	signUp(t, api, ann)
	if err := actionherotest.RunTask(t, api, "report", nil); err != nil {
		t.Fatal(err)
	}
	if want := []string{"admin@example.com: Mails sent: 0, waiting: 1, to no address: 0, failed: 0"}; !slices.Equal(b.mails, want) {
		t.Errorf("the box has %q", b.mails)
	}
}
