using Atelier.Abstractions;
using Atelier.Server.Serving;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

public sealed class ServedModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly List<FakeModel> _opened = [];
    private readonly List<string> _kept = [];
    private string? _fault;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_is_loaded_by_the_first_request_and_once_for_all()
    {
        using ServedModel served = Served();
        served.IsLoaded.ShouldBeFalse();
        ModelLease[] leases = await Task.WhenAll(Enumerable.Range(0, 20)
            .Select(_ => Task.Run(() => served.AcquireAsync(Cancellation).AsTask())));
        _opened.Count.ShouldBe(1);
        leases.ShouldAllBe(lease => lease.Model == _opened[0]);
    }

    [Fact]
    public async Task A_model_leaves_memory_when_it_has_not_been_used_for_some_time()
    {
        using ServedModel served = Served();
        ModelLease lease = await served.AcquireAsync(Cancellation);
        _time.Advance(TimeSpan.FromHours(1));
        served.UnloadIfIdle(TimeSpan.FromMinutes(10));
        served.IsLoaded.ShouldBeTrue("a request uses it");
        lease.Dispose();
        served.UnloadIfIdle(TimeSpan.FromMinutes(10));
        served.IsLoaded.ShouldBeTrue("it has just been used");
        _time.Advance(TimeSpan.FromMinutes(10));
        served.UnloadIfIdle(TimeSpan.FromMinutes(10));
        served.IsLoaded.ShouldBeFalse();
        _opened[0].Disposals.ShouldBe(1);
        using ModelLease again = await served.AcquireAsync(Cancellation);
        _opened.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_new_bundle_replaces_the_model_while_running_requests_finish_with_the_old_one()
    {
        using ServedModel served = Served();
        ModelLease old = await served.AcquireAsync(Cancellation);
        File.SetLastWriteTimeUtc(_folder["tiny/model.safetensors"], DateTime.UtcNow.AddMinutes(1));
        _time.Advance(TimeSpan.FromSeconds(5));
        using ModelLease fresh = await served.AcquireAsync(Cancellation);
        fresh.Model.ShouldBe(_opened[1]);
        _opened[0].Disposals.ShouldBe(0, "a request uses it");
        old.Dispose();
        old.Dispose();
        _opened[0].Disposals.ShouldBe(1);
        _opened[1].Disposals.ShouldBe(0);
    }

    [Fact]
    public async Task A_new_bundle_that_is_damaged_leaves_the_old_model_in_service()
    {
        using ServedModel served = Served();
        (await served.AcquireAsync(Cancellation)).Dispose();
        File.SetLastWriteTimeUtc(_folder["tiny/model.safetensors"], DateTime.UtcNow.AddMinutes(1));
        _fault = "cut short";
        _time.Advance(TimeSpan.FromSeconds(5));
        using ModelLease lease = await served.AcquireAsync(Cancellation);
        lease.Model.ShouldBe(_opened[0]);
        _kept.ShouldBe(["cut short"]);
        _fault = null;
        _time.Advance(TimeSpan.FromSeconds(5));
        using ModelLease mended = await served.AcquireAsync(Cancellation);
        mended.Model.ShouldBe(_opened[1]);
    }

    private ServedModel Served()
    {
        TestServer.WriteModel(_folder["tiny"]);
        return new ServedModel("tiny", _folder["tiny"], () =>
        {
            if (_fault is not null)
                throw new AtelierException(_fault);
            _opened.Add(new FakeModel());
            return _opened[^1];
        }, new RequestQueue(1, 1), _time, (_, why) => _kept.Add(why.Message));
    }

    private sealed class FakeModel : ITrainedModel
    {
        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
    }

    private sealed class ManualTime : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch.AddYears(50);

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan span) => _now += span;
    }
}
