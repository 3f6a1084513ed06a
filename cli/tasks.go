package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/server"
)

// taskCommands creates the command `tasks` and its subcommands, which manage the tasks of a running server.
type taskCommands struct {
	*app
	asJSON bool // the flag --json
}

func (t *taskCommands) command() *cobra.Command {
	tasks := &cobra.Command{
		Use: "tasks", Short: "Manage the tasks of the running server",
		Long: "Manage the tasks of the server that runs with the configuration of this folder. It answers on a socket in\n" +
			"tasks.path, which only its own user can open.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	tasks.PersistentFlags().BoolVar(&t.asJSON, "json", false, "print the answer as JSON")
	tasks.AddCommand(
		t.list(), t.enqueue(), t.stats(), t.registered(), t.repair(),
		t.jobs("show ID", "Show the details of a job", t.ids(1), http.MethodGet, "", printJob),
		t.jobs("retry ID...", "Run waiting or finished jobs again at once", t.ids(0), http.MethodPost, "/retry", printState),
		t.jobs("cancel ID...", "Cancel jobs; a running job ends when its task returns", t.ids(0), http.MethodPost, "/cancel", printCancelled),
		t.jobs("delete ID...", "Delete jobs that are not running", t.ids(0), http.MethodDelete, "", printDeleted),
	)
	return tasks
}

func (t *taskCommands) stats() *cobra.Command {
	return &cobra.Command{
		Use: "stats", Short: "Count the jobs by state, queue and task", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return call(t, cmd, http.MethodGet, "/stats", nil, printStats)
		},
	}
}

// ids returns a function that checks the number of job ids in the arguments: one or more, but at most limit unless limit
// is 0.
func (t *taskCommands) ids(limit int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return fmt.Errorf("the id of a job is missing: write %q; %q shows the ids", pathOf(cmd)+" 7", t.line("tasks list"))
		case limit > 0 && len(args) > limit:
			return fmt.Errorf("there are %d ids: write one, as in %q", len(args), pathOf(cmd)+" "+args[0])
		}
		return nil
	}
}

// jobs returns a command that sends one request to the running server for each job id in its arguments, in order. After
// a failed request, the command continues with the next id. It returns all errors together.
func (t *taskCommands) jobs(use, short string, args cobra.PositionalArgs, method, action string, show func(out io.Writer, id uint64, job *control.Job)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		ids, err := t.parseIDs(args)
		failed := []error{err}
		for _, id := range ids {
			target := fmt.Sprintf("/jobs/%d%s", id, action)
			failed = append(failed, call(t, cmd, method, target, nil, func(out io.Writer, job *control.Job) { show(out, id, job) }))
		}
		return errors.Join(failed...)
	}}
}

func (t *taskCommands) parseIDs(args []string) ([]uint64, error) {
	ids := make([]uint64, len(args))
	for i, text := range args {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not the id of a job: ids are numbers, and %q shows them", text, t.line("tasks list"))
		}
		ids[i] = id
	}
	return ids, nil
}

// ask sends a request to the running server of a configuration, and returns the JSON of the answer.
func (a *app) ask(ctx context.Context, cfg server.Config, method, target string, body any) (json.RawMessage, error) {
	socket := cmp.Or(a.socket, cfg.Tasks.ControlSocket())
	if socket == "" {
		return nil, errors.New("the configuration keeps tasks in memory (tasks.memory is on or tasks.path is empty) or turns the control socket off (tasks.control): change it, and restart the server")
	}
	raw, err := control.Call(ctx, socket, method, target, body)
	if errors.Is(err, control.ErrNoServer) {
		return nil, fmt.Errorf("%w: start one with %q, or change to the folder of the running server", err, a.name+" start")
	}
	return raw, err
}

// call sends a request to the running server and prints the answer. With the flag --json, call prints the answer as
// JSON. Otherwise it calls show to print the answer.
func call[T any](t *taskCommands, cmd *cobra.Command, method, target string, body any, show func(out io.Writer, answer *T)) error {
	cfg, err := t.load()
	if err != nil {
		return err
	}
	raw, err := t.ask(cmd.Context(), cfg, method, target, body)
	if err != nil {
		return err
	}
	if t.asJSON {
		return printLine(cmd.OutOrStdout(), raw)
	}
	var answer T
	if err := jsonx.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("this program does not understand the answer of the server, which may have another version: %w", err)
	}
	show(cmd.OutOrStdout(), &answer)
	return nil
}

func (t *taskCommands) list() *cobra.Command {
	var states []string
	var queue, task string
	var limit int
	var after uint64
	var oldest bool
	cmd := &cobra.Command{
		Use: "list", Short: "List jobs, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range states {
				if _, err := backend.ParseState(name); err != nil {
					return err
				}
			}
			if limit < 1 || limit > control.MaxJobs {
				return fmt.Errorf("--limit is %d: it must be from 1 to %d", limit, control.MaxJobs)
			}
			query := url.Values{
				"state": states, "queue": {queue}, "task": {task}, "limit": {strconv.Itoa(limit)},
				"after": {strconv.FormatUint(after, 10)}, "oldest": {strconv.FormatBool(oldest)},
			}
			cfg, err := t.load()
			if err != nil {
				return err
			}
			show := func(out io.Writer, jobs *[]control.Job) { printJobs(out, jobs, sharedBackend(cfg)) }
			return call(t, cmd, http.MethodGet, "/jobs?"+query.Encode(), nil, show)
		},
	}
	cmd.Flags().StringSliceVar(&states, "state", nil, "only jobs that are scheduled, available, running, retryable, completed, cancelled or dead; several with commas")
	cmd.Flags().StringVar(&queue, "queue", "", "only jobs in this queue")
	cmd.Flags().StringVar(&task, "task", "", "only jobs of this task")
	cmd.Flags().IntVar(&limit, "limit", 20, "largest number of jobs")
	cmd.Flags().Uint64Var(&after, "after", 0, "only jobs that follow the job with this id")
	cmd.Flags().BoolVar(&oldest, "oldest", false, "the oldest first")
	return cmd
}

func (t *taskCommands) enqueue() *cobra.Command {
	var job control.NewJob
	var params, at string
	var priority int8
	cmd := &cobra.Command{
		Use: "enqueue NAME [KEY=VALUE...]", Short: "Run a task in the background",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("the name of the task is missing: %q shows the tasks", t.line("tasks registered"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			job.Task = args[0]
			if job.Params, err = paramsOf(params, args[1:]); err != nil {
				return err
			}
			if at != "" {
				if job.At, err = time.Parse(time.RFC3339, at); err != nil {
					return fmt.Errorf("--at is %q: write a time such as 2026-11-26T17:00:00Z", at)
				}
			}
			if cmd.Flags().Changed("priority") {
				job.Priority = &priority
			}
			return call(t, cmd, http.MethodPost, "/jobs", job, printEnqueued)
		},
	}
	cmd.Flags().StringVar(&params, "params", "", "the params as a JSON object, instead of KEY=VALUE")
	cmd.Flags().StringVar(&at, "at", "", "not before this time, such as 2026-11-26T17:00:00Z")
	cmd.Flags().DurationVar(&job.After, "after", 0, "not before this time has passed, such as 90s")
	cmd.Flags().StringVar(&job.Queue, "queue", "", "in this queue instead of the queue of the task")
	cmd.Flags().Int8Var(&priority, "priority", 0, "with this priority instead of the priority of the task")
	cmd.Flags().IntVar(&job.MaxAttempts, "max-attempts", 0, "dead after this number of failed attempts; negative: no limit")
	cmd.MarkFlagsMutuallyExclusive("at", "after")
	return cmd
}

// paramsOf returns the params of a task as a JSON object. If object is not empty, paramsOf returns the argument object
// unchanged. Otherwise it returns an object with one member for each of the pairs KEY=VALUE. If both arguments are
// given or one is malformed, paramsOf returns an error.
func paramsOf(object string, pairs []string) (json.RawMessage, error) {
	if object != "" && len(pairs) > 0 {
		return nil, fmt.Errorf("there are both --params and %q: use one of the two forms", pairs[0])
	}
	if object != "" {
		if err := jsonx.Members([]byte(object), func(string, []byte) error { return nil }); err != nil {
			return nil, fmt.Errorf("--params is no JSON object: %w", err)
		}
		return json.RawMessage(object), nil
	}
	params := map[string]string{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%q is no param: write KEY=VALUE", pair)
		}
		params[key] = value
	}
	return jsonx.Marshal(params)
}
