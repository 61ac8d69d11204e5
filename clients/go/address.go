package threed

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// address is where a server is, and whether it speaks TLS.
type address struct {
	host, port string
	tls        bool
}

// parseAddress reads http://host:port, https://host and host:port.
func parseAddress(raw string) (address, error) {
	withScheme := raw
	if !strings.Contains(raw, "://") {
		withScheme = "http://" + raw
	}
	parts, err := url.Parse(withScheme)
	if err != nil {
		return address{}, fmt.Errorf("threed: give a server as http://host:port, https://host or host:port; got %q", raw)
	}
	if parts.Scheme != "http" && parts.Scheme != "https" {
		return address{}, fmt.Errorf("threed: a server's address begins with http:// or https://; got %q", raw)
	}
	if strings.Trim(parts.Path, "/") != "" || parts.RawQuery != "" || parts.User != nil {
		return address{}, fmt.Errorf("threed: a server's address ends after the port; got %q", raw)
	}
	read := address{host: parts.Hostname(), port: parts.Port(), tls: parts.Scheme == "https"}
	if read.port == "" && strings.Contains(raw, "://") {
		read.port = map[bool]string{false: "80", true: "443"}[read.tls]
	}
	if read.host == "" || read.port == "" {
		return address{}, fmt.Errorf("threed: give a server as http://host:port, https://host or host:port; got %q", raw)
	}
	return read, nil
}

// target is what gRPC dials.
func (a address) target() string {
	return net.JoinHostPort(a.host, a.port)
}

func (a address) transport() credentials.TransportCredentials {
	if !a.tls {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(nil)
}
