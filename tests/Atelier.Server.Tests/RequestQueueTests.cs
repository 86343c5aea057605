using Atelier.Server.Serving;

namespace Atelier.Server.Tests;

public sealed class RequestQueueTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_get_slots_in_the_order_in_which_they_came()
    {
        var queue = new RequestQueue(slots: 2, length: 10);
        IDisposable first = await queue.EnterAsync(2, Cancellation);
        Task<IDisposable> large = queue.EnterAsync(2, Cancellation).AsTask(),
            small = queue.EnterAsync(1, Cancellation).AsTask();
        queue.Length.ShouldBe(2);
        first.Dispose();
        first.Dispose(); // a second time has no effect
        (await large).ShouldNotBeNull();
        small.IsCompleted.ShouldBeFalse("it came later, although it needs fewer");
        (await large).Dispose();
        (await small).Dispose();
        queue.Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_request_beyond_the_length_of_the_queue_is_refused_with_a_time_to_come_back()
    {
        var queue = new RequestQueue(slots: 1, length: 2);
        using IDisposable running = await queue.EnterAsync(1, Cancellation);
        _ = queue.EnterAsync(1, Cancellation).AsTask();
        _ = queue.EnterAsync(1, Cancellation).AsTask();
        QueueFullException full =
            await Should.ThrowAsync<QueueFullException>(() => queue.EnterAsync(1, Cancellation).AsTask());
        full.RetryAfter.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_cancelled_request_gives_its_place_to_the_next()
    {
        var queue = new RequestQueue(slots: 2, length: 10);
        using IDisposable running = await queue.EnterAsync(1, Cancellation);
        using var stopping = new CancellationTokenSource();
        Task<IDisposable> large = queue.EnterAsync(2, stopping.Token).AsTask(),
            small = queue.EnterAsync(1, Cancellation).AsTask();
        small.IsCompleted.ShouldBeFalse();
        await stopping.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(large);
        (await small).Dispose();
        queue.Length.ShouldBe(0);
    }

    [Fact]
    public async Task Bounds_hold_with_many_requests_at_once()
    {
        const int slots = 3;
        var queue = new RequestQueue(slots, length: 1000);
        int running = 0, most = 0;
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
        {
            using var stopping = new CancellationTokenSource();
            if (i % 7 == 0)
                stopping.CancelAfter(i % 5);
            try
            {
                using IDisposable held = await queue.EnterAsync(1 + (i % 2), stopping.Token);
                int now = Interlocked.Add(ref running, 1 + (i % 2));
                InterlockedMax(ref most, now);
                await Task.Delay(1);
                Interlocked.Add(ref running, -1 - (i % 2));
            }
            catch (OperationCanceledException)
            {
                // it gave up
            }
        })));
        most.ShouldBeInRange(2, slots);
        queue.Running.ShouldBe(0);
        queue.Length.ShouldBe(0);
    }

    private static void InterlockedMax(ref int place, int value)
    {
        for (int seen = Volatile.Read(ref place); value > seen;)
            seen = Interlocked.CompareExchange(ref place, value, seen) is var was && was == seen ? value : was;
    }
}
