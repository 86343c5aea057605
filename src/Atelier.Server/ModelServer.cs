using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Server.Api;
using Atelier.Server.Observing;
using Atelier.Server.Security;
using Atelier.Server.Serving;
using Atelier.Server.Studio;
using Atelier.Server.Trainings;
using Atelier.Server.Uploads;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Prometheus;
using Scalar.AspNetCore;

namespace Atelier.Server;

/// <summary>
/// Serves models over HTTP with OpenAI's API: chat, completions, embeddings, images and speech, and what OpenAI's API
/// has no word for under /v1/atelier.
/// </summary>
/// <example>
/// <code>
/// await using var server = await ModelServer.StartAsync(new Workshop(), new ServerOptions
/// {
///     Models = new Dictionary&lt;string, string&gt; { ["tales"] = "runs/tales" },
/// });
/// </code>
/// </example>
public sealed class ModelServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly IDisposable _watching;
    private readonly IDisposable? _traces;

    private ModelServer(WebApplication app, IDisposable watching, IDisposable? traces, Uri address) =>
        (_app, _watching, _traces, Address) = (app, watching, traces, address);

    /// <summary>The address that the server listens on, such as http://127.0.0.1:5080.</summary>
    public Uri Address { get; }

    /// <summary>Starts a server, which listens when the task has ended.</summary>
    /// <param name="workshop">Opens the models.</param>
    /// <param name="options">The models and the server's settings.</param>
    /// <param name="log">Configures what is logged and where; null logs nothing.</param>
    /// <param name="cancellation">Cancels starting.</param>
    /// <exception cref="AtelierException">The options do not fit together, the certificate cannot be read, or the port
    /// is in use.</exception>
    public static async Task<ModelServer> StartAsync(Workshop workshop, ServerOptions options,
        Action<ILoggingBuilder>? log = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(workshop);
        options.Check();
        WebApplication app = Build(workshop, options, log);
        IDisposable? traces = ServerTraces.Start();
        try
        {
            await app.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            traces?.Dispose();
            throw new AtelierException(FormattableString.Invariant($"port {options.Port} of {options.Address} ")
                + (e is IOException ? "is in use by another program"
                    : $"cannot be listened on: {e.Message.TrimEnd('.')}"),
                Mention.Field("port"), "use another port or address, or stop the other program", e);
        }
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!
            .Addresses.First();
        return new ModelServer(app, ServerMetrics.Watch(app.Services.GetRequiredService<ModelStore>()), traces,
            new Uri(address));
    }

    /// <summary>The names of all models that are served now.</summary>
    public IReadOnlyList<string> ModelNames =>
        [.. Models.Models.Select(model => model.Name).Order(StringComparer.Ordinal)];

    /// <summary>The number of trainings that run now; they go on when the server ends.</summary>
    public int RunningTrainings =>
        _app.Services.GetRequiredService<TrainingStore>().List().Count(one => one.Status == "running");

    /// <summary>The models by name.</summary>
    internal ModelStore Models => _app.Services.GetRequiredService<ModelStore>();

    /// <summary>Accepts no further requests, and waits for the running ones, as long as they have to finish.</summary>
    /// <param name="cancellation">Ends running requests at once.</param>
    public Task StopAsync(CancellationToken cancellation = default) => _app.StopAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _watching.Dispose();
        await _app.DisposeAsync().ConfigureAwait(false);
        _traces?.Dispose();
    }

    private static WebApplication Build(Workshop workshop, ServerOptions options, Action<ILoggingBuilder>? log)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        log?.Invoke(builder.Logging);
        X509Certificate2? certificate = options.CertificatePath is null ? null : Certificate(options);
        var uploads = new UploadStore(options);
        var studies = new StudyList(options); // the last that can fail: the application disposes them
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MostBodyBytes;
            kestrel.Listen(options.Address, options.Port, listen =>
            {
                if (certificate is not null)
                    listen.UseHttps(certificate);
            });
        });
        IServiceCollection services = builder.Services;
        services.AddSingleton<IHostLifetime, NoLifetime>(); // signals are the front end's business
        services.AddRoutingCore();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
        services.ConfigureHttpJsonOptions(json => // for the OpenAPI document
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        services.AddOpenApi(api => api.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Atelier";
            return Task.CompletedTask;
        }));
        services.AddSingleton(workshop).AddSingleton(options).AddSingleton(TimeProvider.System)
            .AddSingleton<ModelStore>().AddSingleton(_ => studies).AddSingleton(uploads).AddSingleton<DataList>()
            .AddSingleton<TrainingStore>().AddSingleton<PathRedaction>().AddSingleton<RecipeNaming>()
            .AddSingleton<RecipeChecking>().AddSingleton<RunList>();
        if (IPAddress.IsLoopback(options.Address))
        {
            // a page of another site whose name points at this machine must not reach the server
            services.AddHostFiltering(filter => filter.AllowedHosts = ["localhost", "127.0.0.1", "[::1]"]);
        }
        WebApplication app = builder.Build();
        if (IPAddress.IsLoopback(options.Address))
            app.UseHostFiltering();
        app.UseMiddleware<AccessControl>();
        app.UseMiddleware<ErrorAnswers>();
        app.UseMiddleware<Deadline>();
        app.UseRouting();
        Routes.Map(app);
        StudioPages.Map(app);
        app.MapMetrics("/metrics").ExcludeFromDescription();
        app.MapOpenApi("/openapi/{documentName}.json");
        app.MapScalarApiReference(AccessControl.DocumentationPath, page => page.DisableDefaultFonts()
            .WithTitle("Atelier").WithOpenApiRoutePattern("/openapi/{documentName}.json"));
        return app;
    }

    private static X509Certificate2 Certificate(ServerOptions options)
    {
        string path = options.CertificatePath!;
        try
        {
            return options.CertificateKeyPath is { } key
                ? X509Certificate2.CreateFromPemFile(path, key)
                : path.EndsWith(".pem", StringComparison.OrdinalIgnoreCase)
                ? X509Certificate2.CreateFromPemFile(path)
                : X509CertificateLoader.LoadPkcs12FromFile(path, password: null);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"the certificate cannot be read: {e.Message.TrimEnd('.')}", path,
                "give a PEM file with its key, or a PKCS #12 file without a password", e);
        }
    }

    /// <summary>Does not listen for signals.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
