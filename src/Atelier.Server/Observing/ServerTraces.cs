using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Atelier.Server.Observing;

/// <summary>
/// Sends traces to a collector by OTLP, as OpenTelemetry's standard environment variables say: where to, in which
/// protocol, with which headers, and which service it is.
/// </summary>
internal static class ServerTraces
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT", Web = "Microsoft.AspNetCore";

    /// <summary>
    /// Sends traces until the result is disposed; null if the environment names no collector. What has not been sent
    /// then is sent first, for some seconds at most.
    /// </summary>
    public static IDisposable? Start() => string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Endpoint)) ? null
        : Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService("atelier").AddTelemetrySdk()
                .AddEnvironmentVariableDetector()) // last: OTEL_SERVICE_NAME goes before our name
            .AddSource(ServerMetrics.Name, Web)
            .AddOtlpExporter()
            .Build();
}
