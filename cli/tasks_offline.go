package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/terminal"
)

// The commands `tasks registered` and `tasks repair` need no running server.

// taskView is the description of a task as `tasks registered --json` prints it.
type taskView struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Scope       string   `json:"scope"`
	Schedule    string   `json:"schedule"`
	Queue       string   `json:"queue"`
	Inputs      []string `json:"inputs"`
}

func (t *taskCommands) registered() *cobra.Command {
	return t.app.command(&Command{
		Name: "registered", Short: "List the tasks that this program knows, and their schedules",
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			return t.printRegistered(env.Stdout, s.Tasks.Registered())
		},
	})
}

func (t *taskCommands) printRegistered(out io.Writer, infos []actionhero.TaskInfo) error {
	views := taskViews(infos)
	if t.asJSON {
		return printJSON(out, views)
	}
	rows := [][]string{{"TASK", "RUNS", "ON", "QUEUE", "INPUTS", "DESCRIPTION"}}
	for _, v := range views {
		rows = append(rows, []string{v.Name, cmp.Or(v.Schedule, "when enqueued"), v.Scope, v.Queue, strings.Join(v.Inputs, ","), v.Description})
	}
	printTable(out, rows)
	return nil
}

func taskViews(infos []actionhero.TaskInfo) []taskView {
	views := make([]taskView, len(infos))
	for i, info := range infos {
		views[i] = taskView{Name: info.Name, Description: info.Description, Scope: info.Scope.String(), Schedule: info.Schedule.String(), Queue: info.Queue}
		for _, in := range info.Inputs {
			views[i].Inputs = append(views[i].Inputs, in.Name)
		}
		slices.Sort(views[i].Inputs)
	}
	return views
}

// repaired is the answer of `tasks repair --json`.
type repaired struct {
	local.Repaired
	Resumed *int `json:"resumed,omitempty"` // the number of held jobs that wait again; nil: --resume was not given
}

func (t *taskCommands) repair() *cobra.Command {
	var resume bool
	return t.app.command(&Command{
		Name: "repair", Short: "Keep the readable part of damaged task files, and move the damaged files",
		Long: "Keep the readable part of damaged task files, and move the damaged files. Stop the server first. A server that\n" +
			"reports a damaged file at its start has not started.\n\n" +
			"A job that may have run or have been cancelled in the unreadable part is dead after the repair. With --resume,\n" +
			"these jobs wait for their times again.",
		Flags: func(flags *flag.FlagSet) {
			flags.BoolVar(&resume, "resume", false, "let the jobs run that this or an earlier repair made dead")
		},
		Run: func(_ context.Context, env *Env) error {
			folder := env.Config.Tasks.Folder()
			if folder == "" {
				return errors.New("the configuration keeps tasks in memory (tasks.memory is on or tasks.path is empty): there is nothing to repair")
			}
			if _, err := os.Stat(folder); err != nil {
				return fmt.Errorf("there are no tasks to repair: %w", err)
			}
			done := repaired{}
			var err error
			if done.Repaired, err = local.Repair(folder); err != nil {
				return err
			}
			if resume {
				n, err := local.ResumeHeld(folder)
				if err != nil {
					return err
				}
				done.Resumed = &n
			}
			if t.asJSON {
				return printJSON(env.Stdout, done)
			}
			printRepaired(env.Stdout, &done.Repaired, t.name+" tasks repair --resume")
			if resume {
				fmt.Fprintf(env.Stdout, "%d held jobs wait again.\n", *done.Resumed)
			}
			return nil
		},
	})
}

func printJSON(out io.Writer, v any) error {
	raw, err := jsonx.Marshal(v)
	if err == nil {
		err = printLine(out, raw)
	}
	return err
}

// printLine prints JSON as one line. On a terminal, invisible characters become escape sequences of JSON.
func printLine(out io.Writer, raw []byte) error {
	if terminal.Is(out) {
		raw = []byte(escapeInvisible(string(raw)))
	}
	_, err := fmt.Fprintf(out, "%s\n", raw)
	return err
}
