package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/worker"
)

type mailInput struct {
	To string `json:"to" required:"true" format:"email"`
}

var mail = actionhero.Task[mailInput]{
	Name:        "mail",
	Description: "Sends a mail",
	MaxAttempts: 5,
	Run: func(_ context.Context, in mailInput) error {
		fmt.Println("a mail to", in.To)
		return nil
	},
}

// A task is enqueued, and a worker of the server runs it later. An invalid input is an error of Enqueue.
func ExampleTask() {
	api, stop := startAPI(mail)
	defer stop()
	ctx := context.Background()

	_, err := mail.Enqueue(ctx, api, mailInput{To: "nowhere"})
	fmt.Println(err)
	_, err = mail.Enqueue(ctx, api, mailInput{To: "ann@example.com"}, actionhero.After(time.Hour))
	fmt.Println(err)
	jobs, err := api.Tasks.List(ctx, actionhero.JobFilter{})
	fmt.Println(jobs[0].Task, jobs[0].State, string(jobs[0].Params), err)
	// Output:
	// to must be an email address
	// <nil>
	// mail scheduled {"to":"ann@example.com"} <nil>
}

// Call runs a task at once in this process, without a job, a worker or retries.
func ExampleTask_Call() {
	api, stop := startAPI(mail)
	defer stop()

	fmt.Println(mail.Call(context.Background(), api, mailInput{To: "bob@example.com"}))
	// Output:
	// a mail to bob@example.com
	// <nil>
}

// A task with a Frequency or a Cron runs on a schedule, on one node of the cluster or on all of them.
func ExampleTask_schedule() {
	report := actionhero.Task[actionhero.None]{
		Name: "report", Description: "Mails the report, on working days at half past six",
		Cron: "30 6 * * 1-5", TimeZone: "Europe/Berlin",
		Run: func(context.Context, actionhero.None) error { return nil },
	}
	sweep := actionhero.Task[actionhero.None]{
		Name: "sweep", Description: "Deletes temporary files, on every node",
		Scope: actionhero.ScopeAllNodes, Frequency: 10 * time.Minute,
		Run: func(context.Context, actionhero.None) error { return nil },
	}
	api, stop := startAPI(report, sweep)
	defer stop()

	for _, task := range api.Tasks.Registered() {
		fmt.Println(task.Name, "runs", task.Schedule, "on nodes:", task.Scope)
	}
	// Output:
	// report runs 30 6 * * 1-5 Europe/Berlin on nodes: any
	// sweep runs every 10m0s on nodes: all
}

// A unique task has one waiting or running job for each input. A second Enqueue returns that job.
func ExampleUnique() {
	index := actionhero.Task[mailInput]{
		Name: "index", Description: "Indexes the mails of an address",
		Unique: actionhero.Unique{By: actionhero.ByInput},
		Run:    func(context.Context, mailInput) error { return nil },
	}
	api, stop := startAPI(index)
	defer stop()
	ctx := context.Background()

	for _, to := range []string{"ann@example.com", "ann@example.com", "bob@example.com"} {
		job, err := index.Enqueue(ctx, api, mailInput{To: to})
		fmt.Println(job.Existing, err)
	}
	// Output:
	// false <nil>
	// true <nil>
	// false <nil>
}

// A job may start later. With UniqueFor, further jobs of this user are not added for a day, also after the first has ended.
func ExampleTask_Enqueue() {
	api, stop := startAPI(mail)
	defer stop()
	ctx := context.Background()

	for range 2 {
		job, err := mail.Enqueue(ctx, api, mailInput{To: "ann@example.com"},
			actionhero.After(time.Minute), actionhero.UniqueBy(actionhero.ByInput), actionhero.UniqueFor(24*time.Hour))
		fmt.Println(job.ID, job.Existing, err)
	}
	// Output:
	// 1 false <nil>
	// 1 true <nil>
}

// The options of an enqueue override the declaration of the task for one job.
func ExampleTasks_Enqueue() {
	api, stop := startAPI(mail)
	defer stop()
	ctx := context.Background()

	enqueued, err := api.Tasks.Enqueue(ctx, "mail", map[string]string{"to": "ann@example.com"},
		actionhero.InQueue("slow"), actionhero.WithPriority(-1), actionhero.WithMaxAttempts(2), actionhero.UniqueKey("ann"))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := api.Tasks.Get(ctx, enqueued.ID)
	fmt.Println(job.Queue, job.Priority, job.MaxAttempts, err)
	// Output: slow -1 2 <nil>
}

// The jobs of a cluster can be listed, cancelled and retried on any node.
func ExampleTasks_List() {
	api, stop := startAPI(mail)
	defer stop()
	ctx := context.Background()
	for _, to := range []string{"ann@example.com", "bob@example.com"} {
		if _, err := mail.Enqueue(ctx, api, mailInput{To: to}, actionhero.After(time.Hour)); err != nil {
			fmt.Println(err)
		}
	}

	jobs, err := api.Tasks.List(ctx, actionhero.JobFilter{Task: "mail"})
	fmt.Println(len(jobs), err)
	job, err := api.Tasks.Cancel(ctx, jobs[0].ID)
	fmt.Println(job.State, err)
	job, err = api.Tasks.Retry(ctx, jobs[1].ID)
	fmt.Println(job.State, err)
	// Output:
	// 2 <nil>
	// cancelled <nil>
	// available <nil>
}

// withWorker is a part that adds a worker to an API, as server.New does for every server.
var withWorker = actionhero.Initializer{Name: "worker", Setup: func(api *actionhero.API) error {
	api.Add(worker.New(api, worker.Config{}))
	return nil
}}

// untilFinished waits until the worker has finished a job, and returns the job.
func untilFinished(api *actionhero.API, id uint64) actionhero.Job {
	for {
		if job, err := api.Tasks.Get(context.Background(), id); err != nil || job.State.Finished() {
			return job
		}
		<-time.After(time.Millisecond)
	}
}

// If a retry cannot succeed, a task ends its job with CancelJob.
func ExampleCancelJob() {
	errBounced := errors.New("there is no such mailbox")
	deliver := actionhero.Task[mailInput]{
		Name: "deliver", Description: "Delivers a mail",
		Run: func(context.Context, mailInput) error { return actionhero.CancelJob(errBounced) },
	}
	api, stop := startAPI(withWorker, deliver)
	defer stop()

	enqueued, err := deliver.Enqueue(context.Background(), api, mailInput{To: "ann@example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	job := untilFinished(api, enqueued.ID)
	fmt.Println(job.State, job.Attempt, job.Error)
	// Output: cancelled 1 there is no such mailbox
}

// A task that has to wait for something reschedules its job with SnoozeJob. No attempt is counted.
func ExampleSnoozeJob() {
	calls := 0
	invoice := actionhero.Task[mailInput]{
		Name: "invoice", Description: "Sends an invoice once it is printed",
		MaxAttempts: 1,
		Run: func(context.Context, mailInput) error {
			if calls++; calls < 3 {
				return actionhero.SnoozeJob(time.Millisecond)
			}
			fmt.Println("sent in call", calls)
			return nil
		},
	}
	api, stop := startAPI(withWorker, invoice)
	defer stop()

	enqueued, err := invoice.Enqueue(context.Background(), api, mailInput{To: "ann@example.com"})
	fmt.Println(untilFinished(api, enqueued.ID).State, err)
	// Output:
	// sent in call 3
	// completed <nil>
}

// The delay of Exponential doubles with each failed attempt, up to a limit, and then varies by up to a quarter.
func ExampleExponential() {
	backoff := actionhero.Exponential(time.Second, time.Minute) // for Task.Backoff
	for attempt, delay := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second} {
		d := backoff(attempt)
		fmt.Println(d >= delay*3/4, d <= delay*5/4)
	}
	fmt.Println(backoff(20) <= 75*time.Second)
	// Output:
	// true true
	// true true
	// true true
	// true
}

// A task whose service has fixed times can use a constant delay.
func ExampleConstant() {
	backoff := actionhero.Constant(5 * time.Minute) // for Task.Backoff
	fmt.Println(backoff(1), backoff(10))
	// Output: 5m0s 5m0s
}
