package server

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// taskCommands is the command tasks with all below it, which look after the tasks of a running server.
type taskCommands struct {
	name   string // of the program
	load   func() (Config, error)
	parts  []actionhero.Part
	asJSON bool
}

func (t *taskCommands) command() *cobra.Command {
	tasks := &cobra.Command{
		Use: "tasks", Short: "Look after the tasks of the running server",
		Long: "Look after the tasks of the server that runs with the configuration of this folder. It answers on a socket in\n" +
			"tasks.path, which only its own user can open.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	tasks.PersistentFlags().BoolVar(&t.asJSON, "json", false, "print the answer as JSON")
	tasks.AddCommand(
		t.list(), t.enqueue(),
		&cobra.Command{
			Use: "stats", Short: "Count the jobs by state, queue and task", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				var stats backend.QueueStats
				return t.call(cmd, "stats", nil, &stats, func(out io.Writer) { printStats(out, &stats) })
			},
		},
		&cobra.Command{
			Use: "show ID", Short: "Show all that is known of a job", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return t.each(cmd, "show", args, printJob)
			},
		},
		&cobra.Command{
			Use: "retry ID...", Short: "Run jobs again at once that wait or have ended", Args: cobra.MinimumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return t.each(cmd, "retry", args, func(out io.Writer, job *jobView) { fmt.Fprintf(out, "job %d is %v\n", job.ID, job.State) })
			},
		},
		&cobra.Command{
			Use: "cancel ID...", Short: "Cancel jobs; those that run are told to stop", Args: cobra.MinimumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return t.each(cmd, "cancel", args, printCancelled) },
		},
		&cobra.Command{
			Use: "delete ID...", Short: "Forget jobs that do not run", Args: cobra.MinimumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				deleted := 0
				return t.each(cmd, "delete", args, func(out io.Writer, _ *jobView) {
					fmt.Fprintf(out, "job %s is deleted\n", args[deleted])
					deleted++
				})
			},
		},
	)
	tasks.AddCommand(t.offline()...)
	return tasks
}

// offline are the commands that need no server.
func (t *taskCommands) offline() []*cobra.Command {
	return []*cobra.Command{
		{
			Use: "registered", Short: "List the tasks that this program knows, and when they run by themselves", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return t.registered(cmd.OutOrStdout()) },
		},
		{
			Use: "repair", Short: "Keep what is whole of tasks whose files are damaged, and set the rest aside", Args: cobra.NoArgs,
			Long: "Keep what is whole of tasks whose files are damaged, and set the rest aside. Stop the server before; when it says\n" +
				"at its start that a file is damaged, it has not started.",
			RunE: func(cmd *cobra.Command, _ []string) error { return t.repair(cmd.OutOrStdout()) },
		},
	}
}

// call asks the running server, and prints the answer.
func (t *taskCommands) call(cmd *cobra.Command, method string, params, result any, show func(out io.Writer)) error {
	cfg, err := t.load()
	if err != nil {
		return err
	}
	if cfg.Tasks.folder() == "" || !*cfg.Tasks.Control {
		return errors.New("the configuration keeps tasks in memory (tasks.memory) or does not let the command line in (tasks.control): change it, and restart the server")
	}
	var raw json.RawMessage
	err = control.Call(cmd.Context(), socketIn(cfg.Tasks.Path), method, params, &raw)
	if errors.Is(err, control.ErrNoServer) {
		return fmt.Errorf("%w: start one with %q, or go to the folder of the one that runs", err, t.name+" start")
	}
	if err != nil {
		return err
	}
	if t.asJSON {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", raw)
		return err
	}
	if err := jsonx.Unmarshal(raw, result); err != nil {
		return fmt.Errorf("the server answers something else than this program expects; it may be of another version: %w", err)
	}
	show(cmd.OutOrStdout())
	return nil
}

// each asks for one job after the other. What cannot be done for one does not keep it from the others.
func (t *taskCommands) each(cmd *cobra.Command, method string, ids []string, show func(out io.Writer, job *jobView)) error {
	queries := make([]jobQuery, len(ids))
	for i, text := range ids {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not the id of a job: ids are numbers, and %q shows them", text, t.name+" tasks list")
		}
		queries[i].ID = id
	}
	var failed []error
	for _, query := range queries {
		var job jobView
		failed = append(failed, t.call(cmd, method, query, &job, func(out io.Writer) { show(out, &job) }))
	}
	return errors.Join(failed...)
}

func (t *taskCommands) list() *cobra.Command {
	var query listQuery
	var states []string
	cmd := &cobra.Command{
		Use: "list", Short: "List jobs, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range states {
				state, err := backend.ParseState(name)
				if err != nil {
					return err
				}
				query.States = append(query.States, state)
			}
			if query.Limit < 1 || query.Limit > maxListed {
				return fmt.Errorf("--limit is %d: it must be from 1 to %d", query.Limit, maxListed)
			}
			var jobs []jobView
			return t.call(cmd, "list", query, &jobs, func(out io.Writer) { printJobs(out, jobs) })
		},
	}
	cmd.Flags().StringSliceVar(&states, "state", nil, "only jobs that are scheduled, available, running, retryable, completed, cancelled or dead; several with commas")
	cmd.Flags().StringVar(&query.Queue, "queue", "", "only jobs in this queue")
	cmd.Flags().StringVar(&query.Task, "task", "", "only jobs of this task")
	cmd.Flags().IntVar(&query.Limit, "limit", 20, "at most so many")
	cmd.Flags().Uint64Var(&query.After, "after", 0, "only those that follow the job with this id")
	cmd.Flags().BoolVar(&query.Oldest, "oldest", false, "the oldest first")
	return cmd
}

func (t *taskCommands) enqueue() *cobra.Command {
	var query enqueueQuery
	var params, at string
	var priority int8
	cmd := &cobra.Command{
		Use: "enqueue NAME [KEY=VALUE...]", Short: "Have a task run in the background", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			query.Task = args[0]
			if query.Params, err = paramsOf(params, args[1:]); err != nil {
				return err
			}
			if at != "" {
				if query.At, err = time.Parse(time.RFC3339, at); err != nil {
					return fmt.Errorf("--at is %q: write a time such as 2026-11-26T17:00:00Z", at)
				}
			}
			if cmd.Flags().Changed("priority") {
				query.Priority = &priority
			}
			var added enqueuedView
			return t.call(cmd, "enqueue", query, &added, func(out io.Writer) {
				if added.Existing {
					fmt.Fprintf(out, "job %d is there already: the task is unique\n", added.ID)
				} else {
					fmt.Fprintf(out, "job %d is enqueued\n", added.ID)
				}
			})
		},
	}
	cmd.Flags().StringVar(&params, "params", "", "the params as a JSON object, instead of KEY=VALUE")
	cmd.Flags().StringVar(&at, "at", "", "not before this time, such as 2026-11-26T17:00:00Z")
	cmd.Flags().DurationVar(&query.After, "after", 0, "not before so much time has passed, such as 90s")
	cmd.Flags().StringVar(&query.Queue, "queue", "", "in this queue, not in the task's own")
	cmd.Flags().Int8Var(&priority, "priority", 0, "with this priority, not with the task's own")
	cmd.Flags().IntVar(&query.MaxAttempts, "max-attempts", 0, "dead after so many attempts that failed; negative: no limit")
	cmd.MarkFlagsMutuallyExclusive("at", "after")
	return cmd
}

// paramsOf makes the params of a task of JSON or of pairs.
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

// registered lists the tasks of this program, whether its server runs or not.
func (t *taskCommands) registered(out io.Writer) error {
	cfg, err := t.load()
	if err != nil {
		return err
	}
	cfg.Log.Logging = new(false)
	s, err := New(cfg, t.parts...)
	if err != nil {
		return err
	}
	defer s.Close()
	views := tasksOf(s.API)
	if t.asJSON {
		raw, err := jsonx.Marshal(views)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", raw)
		}
		return err
	}
	rows := [][]string{{"TASK", "RUNS", "ON", "QUEUE", "INPUTS", "DESCRIPTION"}}
	for _, v := range views {
		rows = append(rows, []string{v.Name, cmp.Or(v.Schedule, "when enqueued"), v.Scope, v.Queue, strings.Join(v.Inputs, ","), v.Description})
	}
	printTable(out, rows)
	return nil
}

// repair repairs the folder of tasks, which no server may use meanwhile.
func (t *taskCommands) repair(out io.Writer) error {
	cfg, err := t.load()
	if err != nil {
		return err
	}
	if cfg.Tasks.folder() == "" {
		return errors.New("the configuration keeps tasks in memory (tasks.memory): there is nothing to repair")
	}
	if _, err := os.Stat(cfg.Tasks.Path); err != nil {
		return fmt.Errorf("there are no tasks to repair: %w", err)
	}
	done, err := local.Repair(cfg.Tasks.Path)
	if err != nil {
		return err
	}
	if t.asJSON {
		raw, err := jsonx.Marshal(done)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", raw)
		}
		return err
	}
	printRepaired(out, &done)
	return nil
}
