using System.Net;

namespace Atelier.Server;

/// <summary>Options of a <see cref="ModelServer"/>.</summary>
public sealed record ServerOptions
{
    /// <summary>
    /// The models by the name that requests use: the folder of a run or a bundle, or the path of a GGUF file. A model
    /// is loaded by the first request that names it.
    /// </summary>
    public IReadOnlyDictionary<string, string> Models { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// The folder of runs: its finished runs are models too, as soon as they are finished, and trainings that requests
    /// start go there. Null for none.
    /// </summary>
    public string? RunsFolder { get; init; }

    /// <summary>
    /// The folder of data that requests upload; null takes the folder "uploads" beside <see cref="RunsFolder"/>, or
    /// accepts no data if there is none.
    /// </summary>
    public string? UploadsFolder { get; init; }

    /// <summary>Starts the trainings that requests ask for; null starts none.</summary>
    public TrainingCommand? Trainer { get; init; }

    /// <summary>The number of trainings that run at the same time.</summary>
    public int Trainings { get; init; } = 1;

    /// <summary>The number of trainings that may wait; further ones are answered with 409.</summary>
    public int TrainingQueueLength { get; init; } = 8;

    /// <summary>The largest size of an upload in bytes; 0 accepts none.</summary>
    public long MostUploadBytes { get; init; } = 1 << 30;

    /// <summary>The paths of the studies that raters answer, each the store of a study.</summary>
    public IReadOnlyList<string> Studies { get; init; } = [];

    /// <summary>The address to listen on. Addresses other than the loopback need <see cref="Keys"/>.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port to listen on; 0 takes a free one.</summary>
    public int Port { get; init; } = 5080;

    /// <summary>The keys that requests must present; without keys every request is accepted.</summary>
    public ApiKeys Keys { get; init; } = ApiKeys.None;

    /// <summary>The path of a certificate with its private key, PEM or PKCS #12, for TLS; null serves plain
    /// HTTP.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>The path of the certificate's private key, if it is a PEM file of its own.</summary>
    public string? CertificateKeyPath { get; init; }

    /// <summary>The device that models run on: "auto", "cpu" or "cuda".</summary>
    public string Device { get; init; } = "auto";

    /// <summary>The number of samples of a model that are generated at the same time, from 1.</summary>
    public int Slots { get; init; } = 64;

    /// <summary>
    /// The number of requests of a model that may wait for a slot; further ones are answered with 429.
    /// </summary>
    public int QueueLength { get; init; } = 1024;

    /// <summary>The longest time that a request may take, waiting included.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The time without requests after which a model leaves memory.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The time that running requests have to finish when the server stops.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The largest size of a request's body in bytes.</summary>
    public long MostBodyBytes { get; init; } = 16 << 20;

    /// <summary>The number of requests a minute that a key may send; 0 for no limit.</summary>
    public int RequestsPerMinute { get; init; }

    /// <summary>Throws if values are out of range or do not fit together.</summary>
    /// <exception cref="AtelierException">They are not possible.</exception>
    internal void Check()
    {
        Require(Port is >= 0 and <= ushort.MaxValue, "port", Port, "0 to 65535");
        Require(Slots >= 1, "slots", Slots, "1 or more");
        Require(QueueLength >= 0, "queueLength", QueueLength, "0 or more");
        Require(RequestsPerMinute >= 0, "requestsPerMinute", RequestsPerMinute, "0 or more");
        Require(MostBodyBytes >= 1, "mostBodyBytes", MostBodyBytes, "1 or more");
        Require(MostUploadBytes >= 0, "mostUploadBytes", MostUploadBytes, "0 or more");
        Require(Trainings >= 1, "trainings", Trainings, "1 or more");
        Require(TrainingQueueLength >= 0, "trainingQueueLength", TrainingQueueLength, "0 or more");
        if (Trainer is not null && RunsFolder is null)
            throw new AtelierException("a trainer is set, but no folder of runs", Mention.Field("trainer"),
                $"set {Mention.Field("runsFolder")}");
        if (Trainer is not null && OperatingSystem.IsWindows())
            throw new AtelierException("trainings are started on Linux and macOS only", Mention.Field("trainer"),
                "leave it out");
        if (!IPAddress.IsLoopback(Address) && Keys.Count == 0)
            throw new AtelierException($"{Address} can be reached from other machines, but no keys are set",
                Mention.Field("host"), "set keys, or listen on 127.0.0.1");
    }

    private static void Require(bool holds, string field, long value, string allowed)
    {
        if (!holds)
            throw new AtelierException(FormattableString.Invariant($"{field} is {value}"), Mention.Field(field),
                $"allowed: {allowed}");
    }
}
