//go:build unix

package server_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// object is the part of a Kubernetes object that the test reads.
type object struct {
	Kind string
	Spec struct {
		Selector map[string]any
		Ports    []struct {
			TargetPort string `yaml:"targetPort"`
		}
		Template struct {
			Metadata struct{ Labels map[string]any }
			Spec     struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []container
			}
		}
	}
}

type container struct {
	Env       []struct{ Name, Value string }
	Ports     []struct{ Name string }
	Readiness probe `yaml:"readinessProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Startup   probe `yaml:"startupProbe"`
	Lifecycle struct {
		PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// TestTheRecipeForKubernetes compares the objects with each other and with a server: its probes, settings and times.
func TestTheRecipeForKubernetes(t *testing.T) {
	t.Parallel()
	kinds := map[string]object{}
	for decoder := yaml.NewDecoder(strings.NewReader(recipe(t, "kubernetes.md", "yaml"))); ; {
		var o object
		if err := decoder.Decode(&o); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		kinds[o.Kind] = o
	}
	deployment, service := kinds["Deployment"].Spec, kinds["Service"].Spec
	pod := deployment.Template
	if len(pod.Spec.Containers) != 1 || len(service.Ports) != 1 || len(kinds) != 3 {
		t.Fatalf("the objects are %+v", kinds)
	}
	c := pod.Spec.Containers[0]
	labels, _ := deployment.Selector["matchLabels"].(map[string]any)
	if name := pod.Metadata.Labels["app"]; name == nil || labels["app"] != name || service.Selector["app"] != name {
		t.Errorf("the pods are %v, the Deployment selects %v, the Service %v", pod.Metadata.Labels, labels, service.Selector)
	}
	port := c.Ports[0].Name
	s := testkit.Start(t, testkit.Options{})
	for name, p := range map[string]probe{"readiness": c.Readiness, "liveness": c.Liveness, "startup": c.Startup} {
		resp, err := http.Get("http://" + s.Web.Addr().String() + p.HTTPGet.Path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || p.HTTPGet.Port != port || service.Ports[0].TargetPort != port {
			t.Errorf("%s: %d at %+v, and the port is %s", name, resp.StatusCode, p.HTTPGet, port)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	checkGrace(t, time.Duration(pod.Spec.Grace-c.Lifecycle.PreStop.Sleep.Seconds)*time.Second)
	known := describe(t, server.Config{})
	for _, variable := range c.Env {
		found := variable.Name == "REDIS_URL"
		for _, setting := range known {
			found = found || setting.Env == variable.Name
		}
		if !found {
			t.Errorf("no setting has the variable %s", variable.Name)
		}
	}
}

// checkGrace compares the time that a supervisor grants a stop with the grace periods of a server.
func checkGrace(t *testing.T, granted time.Duration) {
	t.Helper()
	known, sum := describe(t, server.Config{}), time.Duration(0)
	for _, key := range []string{"tasks.grace", "general.stopGrace"} {
		d, err := time.ParseDuration(known[key].Default)
		if err != nil {
			t.Fatal(err)
		}
		sum += d
	}
	if granted <= sum {
		t.Errorf("a stop is granted %v, and takes up to %v", granted, sum)
	}
}

// TestTheRecipeForSystemd lets systemd check the unit, with a program in the place of the app.
func TestTheRecipeForSystemd(t *testing.T) {
	t.Parallel()
	unit := recipe(t, "systemd.md", "ini")
	if !strings.Contains(unit, "\nTimeoutStopSec=3min\n") {
		t.Error("the time of a stop is not 3min")
	}
	checkGrace(t, 3*time.Minute)
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "api")
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "api.service")
	testkit.WriteFile(t, file, strings.NewReplacer("/srv/api/api start", program+" start", "/srv/api", dir).Replace(unit))
	if out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || strings.Contains(string(out), file) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
