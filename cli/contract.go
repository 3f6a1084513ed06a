package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/internal/contract"
)

// Limits on a description that `contract check` fetches.
const (
	maxContract     = 64 << 20 // bytes
	contractTimeout = 30 * time.Second
)

// contract writes what clients depend on, and compares it. It starts no server.
func (a *app) contract() *cobra.Command {
	cmd := a.command(&Command{Name: "contract", Short: "Write down what clients of the app depend on, and find the changes that would break them"})
	for _, c := range []Command{a.contractSave(), a.contractCheck()} {
		cmd.AddCommand(a.command(&c))
	}
	return cmd
}

func (a *app) contractSave() Command {
	file := ""
	return Command{
		Name: "save", Short: "Write the description of the app, for contract check",
		Long: "Write the description of the actions, the tasks, the events and the security schemes as JSON. The same app has the\n" +
			"same bytes. Keep the file of each release.",
		Flags: func(flags *flag.FlagSet) {
			flags.StringVar(&file, "out", "", "write into this `file` instead of standard output")
		},
		Run: func(_ context.Context, env *Env) error {
			now, err := snapshotOf(env)
			if err != nil {
				return err
			}
			text, err := now.JSON()
			if err == nil && file != "" {
				return os.WriteFile(file, text, 0o644)
			}
			if err == nil {
				_, err = env.Stdout.Write(text)
			}
			return err
		},
	}
}

func (a *app) contractCheck() Command {
	asJSON, allow := false, contract.Risky.String()
	return Command{
		Name: "check", Args: "OLD", Short: "Compare the app with a description that contract save has written",
		Long: "Compare the app with OLD: a file, a URL, or - for standard input. Each change is compatible, risky or breaking. The\n" +
			"exit code is 1 if a change is breaking, or worse than --allow.",
		Flags: func(flags *flag.FlagSet) {
			flags.BoolVar(&asJSON, "json", false, "print the changes as a JSON array, for scripts")
			flags.StringVar(&allow, "allow", allow, "the worst `verdict` that is no failure: compatible, risky or breaking")
		},
		Run: func(ctx context.Context, env *Env) error {
			worst, err := contract.ParseVerdict(allow)
			if err != nil || len(env.Args) != 1 {
				return errors.Join(usageOf(env.Args), err)
			}
			old, err := readContract(ctx, env, env.Args[0])
			if err != nil {
				return err
			}
			now, err := snapshotOf(env)
			if err != nil {
				return err
			}
			changes := contract.Compare(old, now, time.Now())
			if asJSON {
				err = printIndented(env.Stdout, changes)
			} else {
				err = printChanges(env.Stdout, changes)
			}
			if err == nil && len(changes) > 0 && changes[0].Verdict > worst {
				return fmt.Errorf("a change is %s for clients: give the action a new version, or accept it with --allow=%[1]s and save the description anew", changes[0].Verdict)
			}
			return err
		},
	}
}

func usageOf(args []string) error {
	if len(args) != 1 {
		return usage("contract check takes one argument: a file, a URL or - for standard input")
	}
	return nil
}

func snapshotOf(env *Env) (contract.Snapshot, error) {
	s, err := env.Server()
	if err != nil {
		return contract.Snapshot{}, err
	}
	return contract.NewSnapshot(s.Describe()), nil
}

// readContract reads a description from a file, a URL, or standard input for "-".
func readContract(ctx context.Context, env *Env, from string) (s contract.Snapshot, err error) {
	var text []byte
	switch {
	case from == "-":
		text, err = io.ReadAll(io.LimitReader(env.Stdin, maxContract))
	case strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://"):
		text, err = fetchContract(ctx, from)
	default:
		text, err = os.ReadFile(from)
	}
	if err == nil {
		s, err = contract.ReadSnapshot(text)
	}
	if err != nil {
		return s, fmt.Errorf("%s cannot be read: %w", from, err)
	}
	return s, nil
}

func fetchContract(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, contractTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers with the status %s", answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, maxContract))
}

// printChanges prints a line for each change, and how many there are of each verdict.
func printChanges(out io.Writer, changes []contract.Change) error {
	counts := map[contract.Verdict]int{}
	for _, c := range changes {
		counts[c.Verdict]++
		if _, err := fmt.Fprintf(out, "%-11s %s: %s\n", c.Verdict, c.Place, c.Text); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%d breaking, %d risky, %d compatible\n", counts[contract.Breaking], counts[contract.Risky], counts[contract.Compatible])
	return err
}
