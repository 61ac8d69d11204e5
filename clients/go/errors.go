package threed

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

const domain = "threed.dev"

// Reason is the word of the API that says why a call was refused, such as "ASSET_NOT_READY"; it never changes, while the
// sentence of the error may. "" means that err is nil or does not come from a threed server.
//
// For the error of a FAILED asset or job: Reason(status.ErrorProto(asset.GetError())).
func Reason(err error) string {
	return info(err).GetReason()
}

// Metadata has every variable of the error's sentence, by name.
func Metadata(err error) map[string]string {
	return info(err).GetMetadata()
}

func info(err error) *errdetails.ErrorInfo {
	answered, ok := status.FromError(err)
	if !ok {
		return nil
	}
	for _, detail := range answered.Details() {
		if found, ok := detail.(*errdetails.ErrorInfo); ok && found.GetDomain() == domain {
			return found
		}
	}
	return nil
}
