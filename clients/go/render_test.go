package threed_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	threed "github.com/threed-dev/threed/clients/go"
	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

// breaking is a server whose watches end with UNAVAILABLE after so many messages, one entry a stream.
type breaking struct {
	threedv1.UnimplementedRenderServiceServer
	threedv1.UnimplementedSystemServiceServer
	breaks []int
	tokens []string
}

func (s *breaking) GetCapabilities(context.Context, *threedv1.GetCapabilitiesRequest) (*threedv1.Capabilities, error) {
	return &threedv1.Capabilities{}, nil
}

func (s *breaking) WatchRenderJob(
	request *threedv1.WatchRenderJobRequest, stream threedv1.RenderService_WatchRenderJobServer,
) error {
	if request.GetJobId() != "rnd_0" {
		return status.Error(codes.NotFound, "There is no such job.")
	}
	s.tokens = append(s.tokens, request.GetResumeToken())
	left := 3
	if len(s.breaks) > 0 {
		left, s.breaks = s.breaks[0], s.breaks[1:]
	}
	for number, state := range []threedv1.RenderJob_Status{1, 2, 3} {
		if number == left {
			return status.Error(codes.Unavailable, "The server is stopping.")
		}
		change := &threedv1.WatchRenderJobResponse{
			RenderJob:   &threedv1.RenderJob{JobId: "rnd_0", Status: state},
			Sequence:    int64(number + 1),
			ResumeToken: string(rune('a' + number)),
		}
		if err := stream.Send(change); err != nil {
			return err
		}
	}
	return nil
}

func started(t *testing.T, service *breaking) *threed.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	threedv1.RegisterRenderServiceServer(server, service)
	threedv1.RegisterSystemServiceServer(server, service)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client, err := threed.Dial(t.Context(), "http://"+listener.Addr().String(), "token")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestAWatchThatBreaksGoesOnFromTheLastMessage(t *testing.T) {
	// Given a server that cuts a watch after its first, and after its second message
	service := &breaking{breaks: []int{1, 2}}
	client := started(t, service)

	// When a job is followed
	var seen []int64
	job, err := client.FollowRender(t.Context(), &threedv1.WatchRenderJobRequest{JobId: "rnd_0"},
		func(change *threedv1.WatchRenderJobResponse) error {
			seen = append(seen, change.GetSequence())
			return nil
		})

	// Then each change came once, and each stream went on from the last message
	if err != nil || job.GetStatus() != threedv1.RenderJob_COMPLETED {
		t.Fatalf("got %v: %v", job.GetStatus(), err)
	}
	if !slices.Equal(seen, []int64{1, 2, 3}) || !slices.Equal(service.tokens, []string{"", "a", "b"}) {
		t.Fatalf("saw the changes %v with the tokens %q", seen, service.tokens)
	}
}

func TestAWatchOfNoJobIsToldAtOnce(t *testing.T) {
	client := started(t, &breaking{})

	_, err := client.FollowRender(t.Context(), &threedv1.WatchRenderJobRequest{JobId: "rnd_1"}, nil)

	if status.Code(err) != codes.NotFound {
		t.Fatalf("got %v", err)
	}
}

func TestAWatchEndsWithTheErrorOfItsReader(t *testing.T) {
	client, enough := started(t, &breaking{}), errors.New("enough")

	_, err := client.FollowRender(t.Context(), &threedv1.WatchRenderJobRequest{JobId: "rnd_0"},
		func(*threedv1.WatchRenderJobResponse) error { return enough })

	if !errors.Is(err, enough) {
		t.Fatalf("got %v", err)
	}
}
