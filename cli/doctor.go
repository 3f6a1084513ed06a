package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/redis"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/internal/terminal"
	"github.com/actionhero-go/actionhero/server"
)

// The states of a finding.
const (
	stateOK   = "ok"
	stateWarn = "warn"
	stateFail = "fail"
)

// finding is the result of one check of `doctor`.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"` // ok, warn or fail
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// doctor looks for what is wrong on this machine.
type doctor struct {
	app      *app
	cfg      server.Config
	running  *control.Node // the running server of the configuration; nil if there is none
	findings []finding
}

func (d *doctor) ok(check, format string, args ...any) {
	d.findings = append(d.findings, finding{check, stateOK, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) warn(check, remedy, format string, args ...any) {
	d.findings = append(d.findings, finding{check, stateWarn, fmt.Sprintf(format, args...), remedy})
}

func (d *doctor) fail(check, remedy, format string, args ...any) {
	d.findings = append(d.findings, finding{check, stateFail, fmt.Sprintf(format, args...), remedy})
}

// report is the output of `doctor --json`.
type report struct {
	OK     bool      `json:"ok"` // nothing has failed
	Checks []finding `json:"checks"`
}

func (a *app) doctor() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look for what would keep the server from running well here, with the remedy", Args: cobra.NoArgs,
		Long: "Check the configuration, the ports, the folders, the certificates, Redis, the clock and the limits of this machine.\n" +
			"Each line is ok, warn or fail, with the remedy. The exit code is 1 if a check fails. Nothing is changed, and nothing\n" +
			"of the app starts.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{app: a}
			d.examine(cmd.Context())
			failed := 0
			for _, f := range d.findings {
				if f.State == stateFail {
					failed++
				}
			}
			if asJSON {
				if err := printIndented(cmd.OutOrStdout(), report{failed == 0, d.findings}); err != nil {
					return err
				}
			} else if err := d.print(cmd.OutOrStdout()); err != nil {
				return err
			}
			switch failed {
			case 0:
				return nil
			case 1:
				return errors.New("a check has failed")
			}
			return fmt.Errorf("%d checks have failed", failed)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object, for scripts")
	return cmd
}

// examine runs all checks. Without a configuration, only those that need none run.
func (d *doctor) examine(ctx context.Context) {
	d.ok("version", "actionhero %s, %s, %s/%s", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if !d.configuration() {
		return
	}
	d.server(ctx)
	d.ports()
	d.folders()
	d.certificates(time.Now())
	d.redis(ctx)
	d.limits()
}

// configuration loads the configuration and builds the server, which is not started.
func (d *doctor) configuration() (ok bool) {
	cfg, err := d.app.load()
	if err == nil {
		built := cfg
		built.General.Log = slog.New(slog.DiscardHandler)
		_, err = server.New(built, d.app.parts...)
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			d.fail("configuration", "Correct it; \""+d.app.name+" config\" lists the settings.", "%s", strings.TrimSpace(line))
		}
		return false
	}
	d.cfg = cfg
	d.ok("configuration", "all settings are known and in range")
	d.mistakes()
	return true
}

// mistakes warns of settings that are allowed and probably not meant.
func (d *doctor) mistakes() {
	if len(d.cfg.Ports()) == 0 {
		d.warn("configuration", "Set httpServer.enable, httpsServer.enable or tcpServer.enable to true, unless this process only runs tasks.", "no client can connect")
	}
	for _, proxy := range d.cfg.CommonWeb.TrustedProxies {
		if strings.HasSuffix(proxy, "/0") {
			d.warn("configuration", "List the addresses of the proxies alone.", "commonWeb.trustedProxies has %s: every client may claim any address", proxy)
		}
	}
	if d.cfg.Tasks.Memory {
		d.warn("configuration", "Set tasks.memory to false.", "tasks are kept in memory (tasks.memory): they are lost when the server ends")
	}
}

// server asks the running server of the configuration who it is.
func (d *doctor) server(ctx context.Context) {
	socket := d.cfg.Tasks.ControlSocket()
	if socket == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	node, err := control.Get[control.Node](ctx, socket, "/node")
	switch {
	case errors.Is(err, control.ErrNoServer):
		d.ok("server", "no server of this configuration runs")
	case err != nil:
		d.fail("server", "Look into its log, and restart it.", "the server of this configuration does not answer: %v", err)
	case node.Version != versionText():
		d.running = &node
		d.warn("server", "Restart it.", "the server of this configuration (process %d) has the version %s", node.PID, node.Version)
	default:
		d.running = &node
		d.ok("server", "the server of this configuration runs (process %d, node %s)", node.PID, node.ID)
	}
}

// maxSkew is the difference of two clocks that is no reason for a warning.
const maxSkew = time.Second

func (d *doctor) redis(ctx context.Context) {
	if !d.cfg.Clustered() {
		return
	}
	cfg := d.cfg.Redis
	cfg.Log = slog.New(slog.DiscardHandler)
	found, err := redis.Look(ctx, cfg)
	if err != nil {
		remedy := "Correct the server, or the settings in the section redis, as the text says."
		if errors.Is(err, backend.ErrUnavailable) {
			remedy = "Start the server, or correct its address; look for a firewall between both machines."
		}
		d.fail("redis", remedy, "%v", err)
		return
	}
	text := fmt.Sprintf("%s at %s answers in %v", found.Version, found.Address, found.RoundTrip.Round(10*time.Microsecond))
	switch {
	case found.Version == "":
		d.warn("redis", "Allow INFO to the user, or make sure that the maxmemory-policy is noeviction.", "the server at %s does not report its version and its settings", found.Address)
	case !found.Durable:
		d.warn("redis", "Set its appendonly to yes, or add a replica.", "%s; it has neither an append-only file nor replicas, so tasks are lost when it ends", text)
	case found.MaxMemory == "0B":
		d.warn("redis", "Set its maxmemory, so that it refuses writes before the machine has no memory left.", "%s; maxmemory-policy %s; its memory has no limit, and %s are in use", text, found.Policy, found.Used)
	default:
		d.ok("redis", "%s; maxmemory-policy %s; %s of %s in use", text, found.Policy, found.Used, found.MaxMemory)
	}
	if found.Skew.Abs() > maxSkew+found.RoundTrip {
		d.warn("time", "Synchronize the clocks of both machines, for example with chrony or systemd-timesyncd.", "the clock of Redis differs by %v from the clock of this machine", found.Skew.Round(time.Millisecond))
	} else {
		d.ok("time", "the clock of Redis differs by %v", found.Skew.Round(time.Millisecond))
	}
}

// stateColors are the colours of the states on a terminal.
var stateColors = map[string]string{stateOK: textColor, stateWarn: numberColor, stateFail: "\x1b[31m"}

// print writes a line for each finding, and a line for its remedy. On a terminal, longer texts go on below their beginning.
func (d *doctor) print(out io.Writer) error {
	column := 0
	for _, f := range d.findings {
		column = max(column, len(f.Check))
	}
	column += len("fail  ") + columnGap
	width, colored := terminal.Width(out), logging.Colored(out)
	var text strings.Builder
	for _, f := range d.findings {
		state := fmt.Sprintf("%-6s", f.State)
		if colored {
			state = stateColors[f.State] + state + resetColor
		}
		fmt.Fprintf(&text, "%s%-*s%s\n", state, column-len("fail  "), f.Check, terminal.Wrap(printable(f.Text), width, column, column))
		if f.Remedy != "" {
			fmt.Fprintf(&text, "%*s%s\n", column, "", terminal.Wrap("→ "+printable(f.Remedy), width, column, column+2))
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}
