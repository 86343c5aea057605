namespace Atelier.Server.Serving;

/// <summary>Ends a request that takes longer than the server allows.</summary>
internal sealed class Deadline(RequestDelegate next, ServerOptions options)
{
    public async Task InvokeAsync(HttpContext context)
    {
        CancellationToken aborted = context.RequestAborted;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        ending.CancelAfter(options.RequestTimeout);
        context.RequestAborted = ending.Token;
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            context.RequestAborted = aborted; // so that a client that hung up can be told from a late answer
        }
    }
}
