using Atelier.Recipes;
using Atelier.Server.Trainings;
using Atelier.Tests.Data;
using Microsoft.Extensions.Logging;

namespace Atelier.Server.Tests;

/// <summary>The trainings of a server, with a program that sleeps as the trainer.</summary>
public sealed class TrainingStoreTests
{
    [Fact]
    public void What_cannot_be_written_between_requests_is_logged_and_does_not_end_the_server()
    {
        using var folder = new TemporaryFolder();
        var options = new ServerOptions
        {
            RunsFolder = folder["runs"], Trainer = new TrainingCommand("/bin/sh", "-c", "sleep 60"),
        };
        var clock = new Clock();
        var log = new Lines();
        using var store = new TrainingStore(options, clock, log);
        TrainingJob first = store.Start(new Recipe(), "", "first", null),
            second = store.Start(new Recipe(), "", "second", null);
        store.Find(second.Id)!.Value.Status.ShouldBe("queued");
        string facts = Path.Combine(folder["runs"], ".trainings", second.Id, "training.json");
        File.Delete(facts);
        Directory.CreateDirectory(facts); // nothing can be written in its place, as on a full disk
        try
        {
            store.Stop(first);
            SpinWait.SpinUntil(() => store.Find(first.Id)!.Value.Status != "running", TimeSpan.FromSeconds(30))
                .ShouldBeTrue();
            clock.Tick();
            log.Errors.ShouldContain(line => line.Contains("cannot be looked after", StringComparison.Ordinal));
        }
        finally
        {
            if (store.Find(second.Id) is { Status: "running" })
                store.Stop(second);
        }
    }

    /// <summary>A clock whose timers tick when the test says so.</summary>
    private sealed class Clock : TimeProvider
    {
        private TimerCallback? _callback;

        public void Tick() => _callback!(null);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _callback = callback;
            return System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class Lines : ILogger<TrainingStore>
    {
        private readonly List<string> _errors = [];

        public IReadOnlyList<string> Errors
        {
            get
            {
                lock (_errors)
                    return [.. _errors];
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel < LogLevel.Error)
                return;
            lock (_errors)
                _errors.Add(formatter(state, exception));
        }
    }
}
