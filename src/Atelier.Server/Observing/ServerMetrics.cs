using System.Diagnostics;
using System.Diagnostics.Metrics;
using Atelier.Server.Serving;

namespace Atelier.Server.Observing;

/// <summary>
/// Figures and traces of a server: a meter and an activity source named "atelier", which OpenTelemetry collects,
/// and Prometheus reads from /metrics.
/// </summary>
internal static class ServerMetrics
{
    /// <summary>The name of the meter and of the source of activities.</summary>
    public const string Name = "atelier";

    private static readonly Meter Meter = new(Name);
    private static readonly ActivitySource Activities = new(Name);

    private static readonly Counter<long> Requests =
        Meter.CreateCounter<long>("requests", "{request}", "Requests to models that have ended.");

    private static readonly Counter<long> PromptTokens =
        Meter.CreateCounter<long>("prompt_tokens", "{token}", "Tokens of prompts.");

    private static readonly Counter<long> GeneratedTokens =
        Meter.CreateCounter<long>("generated_tokens", "{token}", "Tokens that were generated.");

    private static readonly Histogram<double> Waiting =
        Meter.CreateHistogram<double>("queue_time", "s", "Time from a request until it had its slots.");

    private static readonly Histogram<double> FirstToken =
        Meter.CreateHistogram<double>("time_to_first_token", "s", "Time from a request to its first token.");

    private static readonly Histogram<double> Duration =
        Meter.CreateHistogram<double>("request_duration", "s", "Time from a request to its end.");

    /// <summary>Shows the slots in use, the queue and whether a model is loaded, for as long as the result
    /// lives.</summary>
    /// <param name="models">The models of a server.</param>
    public static IDisposable Watch(ModelStore models)
    {
        var meter = new Meter(Name);
        meter.CreateObservableGauge("running_samples", () => Each(model => model.Queue.Running), "{sample}",
            "Samples that are being generated: the size of the batch.");
        meter.CreateObservableGauge("queue_length", () => Each(model => model.Queue.Length), "{request}",
            "Requests that wait for slots.");
        meter.CreateObservableGauge("model_loaded", () => Each(model => model.IsLoaded ? 1 : 0), "",
            "1 for a model in memory.");
        return meter;

        IEnumerable<Measurement<int>> Each(Func<ServedModel, int> value) =>
            models.Models.Select(model => new Measurement<int>(value(model), Tag(model.Name)));
    }

    /// <summary>Begins to measure a request to a model; it ends when the result is disposed.</summary>
    /// <param name="model">The name of the model.</param>
    /// <param name="promptTokens">The number of tokens of the prompt.</param>
    public static MeasuredRequest Begin(string model, int promptTokens)
    {
        PromptTokens.Add(promptTokens, Tag(model));
        return new MeasuredRequest(model, Activities.StartActivity("generate")?.SetTag("model", model)
            .SetTag("prompt_tokens", promptTokens));
    }

    private static KeyValuePair<string, object?> Tag(string model) => new("model", model);

    /// <summary>The measurement of one request.</summary>
    internal sealed class MeasuredRequest(string model, Activity? activity) : IDisposable
    {
        private readonly long _began = Stopwatch.GetTimestamp();
        private long _tokens;

        private double Seconds => Stopwatch.GetElapsedTime(_began).TotalSeconds;

        /// <summary>The request has its slots.</summary>
        public void Started()
        {
            Waiting.Record(Seconds, Tag(model));
            activity?.AddEvent(new ActivityEvent("started"));
        }

        /// <summary>A token has been generated.</summary>
        public void Token()
        {
            if (_tokens++ == 0)
                FirstToken.Record(Seconds, Tag(model));
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            GeneratedTokens.Add(_tokens, Tag(model));
            Requests.Add(1, Tag(model));
            Duration.Record(Seconds, Tag(model));
            activity?.SetTag("generated_tokens", _tokens).Dispose();
        }
    }
}
